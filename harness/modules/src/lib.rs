//! Node's module resolution, `package.json` and CommonJS export detection over a read-only file tree; no V8.
//!
//! Everything here speaks guest paths: absolute, `/`-separated, with `/` as the root of the package. [`DirectoryTree`] and
//! [`MemoryTree`] are the trees, [`Resolver`] answers `import` and `require`, [`cjs_exports`] and [`exports_of`] say which
//! names a CommonJS module offers to `import`.

mod directory_tree;
mod exports;
mod file_url;
mod memory_tree;
mod package_json;
pub mod path;
mod resolver;
pub mod tree;
mod walk;

pub use directory_tree::DirectoryTree;
pub use exports::{CjsExports, ExportNames, cjs_exports, exports_of};
pub use file_url::{file_url_to_path, path_to_file_url};
pub use memory_tree::MemoryTree;
pub use package_json::{PackageJson, PackageType};
pub use resolver::{
    ErrorKind, Format, Options, RequireContext, ResolveError, Resolved, Resolver, Thrown,
    TypeScript, Warning,
};
pub use tree::{DirEntry, FileType, Metadata, Tree};
