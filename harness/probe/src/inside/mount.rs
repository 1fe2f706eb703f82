//! Lists the mounts of the container from `/proc/self/mountinfo`.

use std::path::Path;

use adamant_probe::{MOUNT_DIR, Mount, Reply};

use super::ProbeError;
use super::out::Out;

const FILE: &str = "/proc/self/mountinfo";

/// Says every mount in the order in which they were made, without the probe's own.
pub(super) fn list(out: &mut Out<'_>) -> Result<(), ProbeError> {
    let table =
        std::fs::read(FILE).map_err(|error| ProbeError::system(format!("read `{FILE}`"), error))?;
    for line in table
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let mount = parse(line).ok_or_else(|| ProbeError::Form {
            file: String::from(FILE),
            what: "mount in one of its lines",
        })?;
        if !Path::new(&mount.target).starts_with(MOUNT_DIR) {
            out.say(&Reply::Mount(mount))?;
        }
    }
    Ok(())
}

/// One line as in proc(5): `id parent dev root target options [tag…] - fstype source super-options`.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let target = fields.nth(4)?;
    let of_mount = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let (fstype, source, of_super) = (fields.next()?, fields.next()?, fields.next()?);

    let mut options: Vec<String> = [of_mount, of_super]
        .into_iter()
        .flat_map(split_options)
        .map(unescape)
        .collect();
    options.sort_unstable();
    options.dedup();
    let read_only = options.iter().any(|option| option == "ro");
    // A read-only mount of a writable file system has both words; together they would say nothing.
    options.retain(|option| !(read_only && option == "rw"));
    Some(Mount {
        target: unescape(target),
        fstype: unescape(fstype),
        source: unescape(source),
        options,
        read_only,
    })
}

/// Options are parted by commas, except within the quotes of a security context.
fn split_options(options: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    options
        .split(move |byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        })
        .filter(|option| !option.is_empty())
}

/// Replaces `\ooo`, which the kernel writes for blanks and backslashes.
fn unescape(field: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = octal(rest).unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn octal(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (escape, tail) = bytes.split_at_checked(4)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\")?).ok()?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let byte = u8::from_str_radix(digits, 8).ok().filter(|_| plain)?;
    Some((byte, tail))
}

#[cfg(test)]
mod tests {
    use adamant_probe::Reply;

    use super::{Out, list, parse, unescape};

    #[test]
    fn options_of_mount_and_file_system_are_one_list() {
        let line = b"36 35 98:0 /mnt1 /mnt2 ro,noatime,relatime master:1 shared:2 - tmpfs /dev/root rw,size=65536k,noatime";
        let mount = parse(line).expect("a mount");
        assert_eq!(
            (
                mount.target.as_str(),
                mount.fstype.as_str(),
                mount.source.as_str()
            ),
            ("/mnt2", "tmpfs", "/dev/root")
        );
        assert_eq!(mount.options, ["noatime", "relatime", "ro", "size=65536k"]);
        assert!(mount.read_only);
    }

    #[test]
    fn a_read_only_file_system_makes_a_read_only_mount() {
        let mount = parse(b"1 0 7:0 / /cd rw,nosuid - iso9660 /dev/loop0 ro").expect("a mount");
        assert!(mount.read_only);
        let mount =
            parse(b"1 0 7:0 / /disk rw - ext4 /dev/vda rw,errors=remount-ro").expect("a mount");
        assert!(!mount.read_only);
        assert_eq!(mount.options, ["errors=remount-ro", "rw"]);
    }

    #[test]
    fn escapes_are_undone_after_the_fields_are_known() {
        let line = br#"1 0 0:1 / /a\040b\134c rw - overlay over\011lay rw,context="s0:c1,c2",lowerdir=/x\054y"#;
        let mount = parse(line).expect("a mount");
        assert_eq!(
            (mount.target.as_str(), mount.source.as_str()),
            ("/a b\\c", "over\tlay")
        );
        assert_eq!(
            mount.options,
            ["context=\"s0:c1,c2\"", "lowerdir=/x,y", "rw"]
        );
        assert_eq!(unescape(br"\04 \777 \+12 end\"), r"\04 \777 \+12 end\");
    }

    #[test]
    fn half_a_line_is_no_mount() {
        assert_eq!(parse(b"36 35 98:0 /mnt1 /mnt2 rw shared:2"), None);
        assert_eq!(parse(b"36 35"), None);
    }

    #[test]
    fn the_mounts_of_this_machine_are_readable() {
        let replies = Out::collect(list).expect("an answer");
        assert!(
            replies
                .iter()
                .any(|reply| matches!(reply, Reply::Mount(one) if one.target == "/"))
        );
    }
}
