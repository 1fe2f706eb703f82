//! Who a container's process is: names and groups by the files of its image.

use adamant_core::engine::{EngineError, ErrorKind, Image};

/// Numbers, as the kernel takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Groups that list the user, where no group was named.
    pub(super) groups: Vec<u32>,
}

impl User {
    /// `USER`, with a group or without, by name or by number; empty for root.
    pub(super) fn find(image: &Image, user: &str) -> Result<Self, EngineError> {
        let (uid, gid) = image.user_ids(user).ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, format!("find the user `{user}`"))
                .caused_by("the image's /etc/passwd and /etc/group do not have it")
        })?;
        let groups = if user.contains(':') {
            Vec::new()
        } else {
            groups(image, uid)
        };
        Ok(Self { uid, gid, groups })
    }

    pub(super) fn root() -> Self {
        Self {
            uid: 0,
            gid: 0,
            groups: Vec::new(),
        }
    }
}

fn groups(image: &Image, uid: u32) -> Vec<u32> {
    let text = |path| String::from_utf8_lossy(image.text(path).unwrap_or_default()).into_owned();
    let passwd = text("/etc/passwd");
    let row = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let name = row
        .filter(|row| row.get(2).is_some_and(|id| *id == uid.to_string()))
        .find_map(|row| row.first().copied());
    let Some(name) = name else {
        return Vec::new();
    };
    let group = text("/etc/group");
    let rows = group
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    rows.filter(|row| {
        row.get(3)
            .is_some_and(|members| members.split(',').any(|m| m == name))
    })
    .filter_map(|row| row.get(2)?.parse().ok())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_probe::{Entry, Kind};

    #[test]
    fn a_user_has_the_groups_that_list_it_unless_one_was_named() {
        let mut image = Image::default();
        for (path, kind, text) in [
            ("/etc", Kind::Dir, ""),
            (
                "/etc/passwd",
                Kind::File,
                "root:x:0:0::/:\napp:x:1000:1001::/:\n",
            ),
            (
                "/etc/group",
                Kind::File,
                "audio:x:29:app,root\nstaff:x:50:root\napp:x:1001:\n",
            ),
        ] {
            image
                .entries
                .insert(path.into(), Entry::new(path, kind, 0o644));
            image.texts.insert(path.into(), text.into());
        }
        let of = |user| {
            User::find(&image, user)
                .map(|u| (u.uid, u.gid, u.groups))
                .ok()
        };
        assert_eq!(of("app"), Some((1000, 1001, vec![29])));
        assert_eq!(of("1000"), Some((1000, 1001, vec![29])));
        assert_eq!(of("app:staff"), Some((1000, 50, vec![])));
        assert_eq!(of("7"), Some((7, 0, vec![])));
        assert_eq!(of(""), Some((0, 0, vec![29, 50])));
        assert_eq!(of("nobody"), None);
    }
}
