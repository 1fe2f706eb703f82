//! Generated files are current: the schemas that editors read.

use adamant_core::case::{case_schema, subject_schema};
use adamant_core::module::module_schema;

use super::tree::assert_current;

#[test]
fn schemas_are_current() {
    assert_current("cases/schema.json", &case_schema());
    assert_current("cases/adamant.schema.json", &subject_schema());
    assert_current("cases/module.schema.json", &module_schema());
}
