//! Which fixture images are out of date, and making those, bases first.

use crate::digest::Inputs;
use crate::failure::Failure;
use crate::layout::{self, Base};
use crate::recipe::{self, Binary, Recipe, SCRATCH};
use crate::tree::{Node, Tree};
use crate::{busybox, debian, npm, say, services};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The code that decides what an image holds is one of its inputs.
const SHAPED_BY: [&str; 6] = [
    include_str!("busybox.rs"),
    include_str!("debian.rs"),
    include_str!("images.rs"),
    include_str!("layout.rs"),
    include_str!("npm.rs"),
    include_str!("tree.rs"),
];

/// Build the images called `names`, or all, with the bases they need; nothing that is up to date is touched.
pub(crate) fn build(root: &Path, names: &[String]) -> Result<(), Failure> {
    let staging = root.join("target/fixtures");
    fs_err::create_dir_all(&staging)?;
    // Two calls at once: the second waits, then finds everything done. Held until the workshop goes.
    let lock = fs_err::File::create(staging.join("lock"))?;
    lock.file().lock()?;
    let mut workshop = Workshop::open(root, &staging)?;
    let all: Vec<String> = workshop.recipes.keys().cloned().collect();
    for name in if names.is_empty() { &all } else { names } {
        workshop.bring_up_to_date(name)?;
    }
    Ok(())
}

struct Workshop {
    root: PathBuf,
    images: PathBuf,
    staging: PathBuf,
    recipes: BTreeMap<String, Recipe>,
    /// Per image that was looked at: the digest of all it is made from.
    inputs: BTreeMap<String, String>,
    // Made or read at most once a call, and only when some image needs it.
    executables: BTreeMap<String, Vec<u8>>,
    executables_inputs: BTreeMap<String, String>,
    busybox: Option<Vec<u8>>,
}

impl Workshop {
    fn open(root: &Path, staging: &Path) -> Result<Self, Failure> {
        let images = root.join("fixtures/images");
        let mut recipes = BTreeMap::new();
        for entry in fs_err::read_dir(&images)? {
            let entry = entry?;
            let path = entry.path().join("image.yaml");
            if path.exists() {
                let name = entry.file_name().to_string_lossy().into_owned();
                recipes.insert(name, recipe::read(&path)?);
            }
        }
        Ok(Self {
            root: root.to_owned(),
            images,
            staging: staging.to_owned(),
            recipes,
            inputs: BTreeMap::new(),
            executables: BTreeMap::new(),
            executables_inputs: BTreeMap::new(),
            busybox: None,
        })
    }

    fn bring_up_to_date(&mut self, name: &str) -> Result<(), Failure> {
        if self.inputs.contains_key(name) {
            return Ok(());
        }
        let recipe = self
            .recipes
            .remove(name)
            .ok_or_else(|| self.unknown(name))?;
        if recipe.from != SCRATCH {
            self.bring_up_to_date(&recipe.from)?;
        }
        let inputs = self.inputs_of(name, &recipe)?;
        if layout::inputs(&self.image_dir(name)).as_ref() != Some(&inputs) {
            self.make(name, &recipe, &inputs)?;
        }
        self.inputs.insert(name.to_owned(), inputs);
        Ok(())
    }

    /// Taken out while it is worked on, a recipe that leads back to itself is not found either.
    fn unknown(&self, name: &str) -> Failure {
        if self.images.join(name).join("image.yaml").exists() {
            return Failure::input(format!("image `{name}` is its own base"));
        }
        let known: Vec<&str> = self.recipes.keys().map(String::as_str).collect();
        Failure::input(format!(
            "no image is called `{name}`; there are: {}",
            known.join(", ")
        ))
    }

    fn image_dir(&self, name: &str) -> PathBuf {
        self.images.join(name).join("image")
    }

    fn inputs_of(&mut self, name: &str, recipe: &Recipe) -> Result<String, Failure> {
        let dir = self.images.join(name);
        let mut inputs = Inputs::default();
        SHAPED_BY.iter().for_each(|source| inputs.add(source));
        inputs.add(name);
        inputs.add(fs_err::read(dir.join("image.yaml"))?);
        if recipe.from != SCRATCH {
            inputs.add(&self.inputs[&recipe.from]);
        }
        if let Some(rootfs) = &recipe.rootfs {
            let mut tree = Tree::default();
            tree.overlay(&dir.join(rootfs), "")?;
            inputs.add(tree.to_tar()?);
        }
        if !recipe.busybox.is_empty() {
            inputs.add(self.busybox()?);
        }
        if recipe.services.is_some() {
            inputs.add(self.executable_inputs(&services::binary())?);
        }
        for binary in recipe.binaries.values() {
            inputs.add(self.executable_inputs(binary)?);
        }
        Ok(inputs.finish())
    }

    fn make(&mut self, name: &str, recipe: &Recipe, inputs: &str) -> Result<(), Failure> {
        say(&format!("building image {name}"));
        let base = match recipe.from.as_str() {
            SCRATCH => Base::default(),
            from => Base::read(&self.image_dir(from))?,
        };
        let mut lower = base.tree()?;
        let mut layers = Vec::new();
        if let Some(wish) = &recipe.debian {
            let layer = debian::layer(wish)?;
            lower.apply(Tree::from_tar(&layer)?);
            layers.push(layer);
        }
        if !recipe.npm.is_empty() {
            let mut tree = npm::tree(&recipe.npm)?;
            tree.complete_parents(&lower);
            layers.push(tree.to_tar()?);
            lower.apply(tree);
        }
        let tree = self.own_layer(name, recipe, &lower)?;
        if !tree.is_empty() {
            layers.push(tree.to_tar()?);
        }
        let new = self.staging.join(format!("{name}.new"));
        remove_dir(&new)?;
        layout::write(&new, name, &base, &layers, &recipe.config, inputs)?;
        self.put_in_place(name, &new)
    }

    fn own_layer(&mut self, name: &str, recipe: &Recipe, lower: &Tree) -> Result<Tree, Failure> {
        let mut tree = Tree::default();
        if !recipe.busybox.is_empty() {
            busybox::install(&mut tree, self.busybox()?, &recipe.busybox);
        }
        if let Some(services) = &recipe.services {
            tree.put(
                &services.path,
                Node::file(self.executable(&services::binary())?, true),
            );
            for (dir, names) in &services.links {
                for name in names {
                    tree.put(&format!("{dir}/{name}"), Node::symlink(&services.path));
                }
            }
        }
        for (path, binary) in &recipe.binaries {
            tree.put(path, Node::file(self.executable(binary)?, true));
        }
        for (path, target) in &recipe.links {
            tree.put(path, Node::symlink(target));
        }
        for (path, directory) in &recipe.directories {
            tree.put(path, Node::directory(directory.mode, directory.owner));
        }
        if let Some(rootfs) = &recipe.rootfs {
            tree.overlay(&self.images.join(name).join(rootfs), "")?;
        }
        for path in &recipe.remove {
            if lower.get(path).is_none() {
                let from = &recipe.from;
                return Err(Failure::input(format!(
                    "`{name}` removes `{path}`, which `{from}` does not have"
                )));
            }
            tree.hide(path);
        }
        tree.complete_parents(lower);
        Ok(tree)
    }

    /// Whole at once: whoever looks sees the old image, for a moment none, or the new one.
    fn put_in_place(&self, name: &str, new: &Path) -> Result<(), Failure> {
        let (place, old) = (
            self.image_dir(name),
            self.staging.join(format!("{name}.old")),
        );
        remove_dir(&old)?;
        if place.exists() {
            fs_err::rename(&place, &old)?;
        }
        fs_err::rename(new, &place)?;
        remove_dir(&old)
    }

    fn busybox(&mut self) -> Result<&[u8], Failure> {
        if self.busybox.is_none() {
            self.busybox = Some(busybox::read()?);
        }
        Ok(self.busybox.as_deref().unwrap_or_default())
    }

    fn executable(&mut self, wanted: &Binary) -> Result<Vec<u8>, Failure> {
        if let Some(bytes) = self.executables.get(&wanted.bin) {
            return Ok(bytes.clone());
        }
        let bytes = services::build(&self.root, wanted)?;
        self.executables.insert(wanted.bin.clone(), bytes.clone());
        Ok(bytes)
    }

    fn executable_inputs(&mut self, wanted: &Binary) -> Result<String, Failure> {
        if let Some(digest) = self.executables_inputs.get(&wanted.bin) {
            return Ok(digest.clone());
        }
        let digest = services::inputs(&self.root, wanted)?;
        self.executables_inputs
            .insert(wanted.bin.clone(), digest.clone());
        Ok(digest)
    }
}

fn remove_dir(dir: &Path) -> Result<(), Failure> {
    if dir.exists() {
        fs_err::remove_dir_all(dir)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const BASE: &str = "from: scratch\nrootfs: rootfs\ndirectories:\n  /tmp: { mode: 0o1777 }\nconfig: { user: '1000' }\n";
    const CHILD: &str = "from: base\nremove: [/bin/tool]\nconfig: { entrypoint: [/other] }\n";

    fn checkout() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let images = root.path().join("fixtures/images");
        let tool = images.join("base/rootfs/bin/tool");
        fs_err::create_dir_all(tool.parent().unwrap()).unwrap();
        fs_err::create_dir_all(images.join("child")).unwrap();
        fs_err::write(images.join("base/image.yaml"), BASE).unwrap();
        fs_err::write(images.join("child/image.yaml"), CHILD).unwrap();
        fs_err::write(&tool, "#!/bin/sh\n").unwrap();
        fs_err::set_permissions(&tool, std::fs::Permissions::from_mode(0o700)).unwrap();
        root
    }

    fn index(root: &Path, name: &str) -> PathBuf {
        root.join("fixtures/images")
            .join(name)
            .join("image/index.json")
    }

    #[test]
    fn the_same_sources_make_the_same_image_anywhere() {
        let (one, two) = (checkout(), checkout());
        build(one.path(), &[]).unwrap();
        build(two.path(), &["child".to_owned()]).unwrap();
        for name in ["base", "child"] {
            let read = |root: &Path| fs_err::read_to_string(index(root, name)).unwrap();
            assert_eq!(read(one.path()), read(two.path()));
        }
    }

    #[test]
    fn only_what_changed_is_made_again() {
        let root = checkout();
        let read = || {
            ["base", "child"].map(|name| {
                let metadata = fs_err::metadata(index(root.path(), name)).unwrap();
                (
                    std::os::unix::fs::MetadataExt::ino(&metadata),
                    layout::inputs(index(root.path(), name).parent().unwrap()),
                )
            })
        };
        build(root.path(), &[]).unwrap();
        let first = read();
        build(root.path(), &[]).unwrap();
        assert_eq!(read(), first);
        let tool = root.path().join("fixtures/images/base/rootfs/bin/tool");
        fs_err::write(tool, "#!/bin/true\n").unwrap();
        build(root.path(), &[]).unwrap();
        let [base, child] = read();
        assert!(base.1 != first[0].1 && child.1 != first[1].1);
    }

    #[test]
    fn a_child_keeps_what_it_does_not_say_and_lacks_what_it_removes() {
        let root = checkout();
        build(root.path(), &[]).unwrap();
        let child = Base::read(index(root.path(), "child").parent().unwrap()).unwrap();
        let tree = child.tree().unwrap();
        assert_eq!(tree.get("/bin/tool"), None);
        assert_eq!(tree.get("/tmp"), Some(&Node::directory(0o1777, 0)));
        assert!(format!("{child:?}").contains("\"User\": String(\"1000\")"));
    }

    #[test]
    fn mistakes_in_recipes_are_named() {
        let root = checkout();
        let recipe = root.path().join("fixtures/images/child/image.yaml");
        let failure = |text: &str, name: &str| {
            fs_err::write(&recipe, text).unwrap();
            build(root.path(), &[name.to_owned()])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            failure("from: child\n", "child"),
            "image `child` is its own base"
        );
        assert_eq!(
            failure("from: base\nremove: [/x]\n", "child"),
            "`child` removes `/x`, which `base` does not have"
        );
        assert_eq!(
            failure(CHILD, "none"),
            "no image is called `none`; there are: base, child"
        );
    }
}
