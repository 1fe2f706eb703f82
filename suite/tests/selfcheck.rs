//! The house guards itself: one test for each kind of drift that was seen in other houses.

mod selfcheck {
    mod conformance;
    mod files;
    mod findings;
    mod generated;
    mod manifests;
    mod modules;
    mod tree;
}
