//! Whether a path lies on a file system that other machines share, where SQLite's write-ahead log must not be used:
//! its index is memory that all writers map, and no network keeps that in step (<https://sqlite.org/wal.html>).

use std::path::{Path, PathBuf};

/// Types of file systems that are shared over a network, as the kernel names them.
const SHARED: [&str; 16] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.cephfs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "virtiofs",
];

/// Whether the file at `path`, which exists, is on such a file system. Where that cannot be told, it is not.
pub(super) fn is_shared(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else {
        return false;
    };
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    type_of(&String::from_utf8_lossy(&mounts), &real)
        .is_some_and(|found| SHARED.contains(&found.as_str()))
}

/// The type of the file system that holds `path`, from the kernel's list of mounts (`proc_pid_mountinfo`(5)).
fn type_of(mounts: &str, path: &Path) -> Option<String> {
    let mut found: Option<(PathBuf, &str)> = None;
    for line in mounts.lines() {
        // ID, parent, device, root, mount point, options, optional fields, `-`, type, source, options.
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (
            before.split(' ').nth(4).map(unescape),
            after.split(' ').next(),
        ) else {
            continue;
        };
        // Of several on one point, the last covers the others.
        let nearer = found
            .as_ref()
            .is_none_or(|(other, _)| point.starts_with(other));
        if path.starts_with(&point) && nearer {
            found = Some((point, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// A mount point as it is: blanks, tabs, newlines and backslashes are written as `\` and three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest
            .get(at + 1..at + 4)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = code {
            out.push(char::from(byte));
            rest = &rest[at + 4..];
        } else {
            out.push('\\');
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    PathBuf::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts_and_the_last_on_it() {
        let mounts = "\
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            30 22 0:40 / /home rw shared:2 master:1 - nfs4 nas:/home rw,vers=4.2\n\
            31 30 8:2 / /home/ann rw - xfs /dev/sdb1 rw\n\
            32 22 0:41 / /mnt/my\\040share rw - cifs //nas/share rw\n\
            33 22 8:3 / /srv rw - ext4 /dev/sdc1 rw\n\
            34 22 0:42 / /srv rw - nfs nas:/srv rw\n\
            garbage\n";
        for (path, kind) in [
            ("/var/lib/fleet/state.db", "ext4"),
            ("/home/bob/state.db", "nfs4"),
            ("/home/ann/state.db", "xfs"),
            ("/home/anna/state.db", "nfs4"),
            ("/mnt/my share/state.db", "cifs"),
            ("/srv/state.db", "nfs"),
        ] {
            assert_eq!(
                type_of(mounts, Path::new(path)).as_deref(),
                Some(kind),
                "{path}"
            );
        }
        assert_eq!(type_of("", Path::new("/")), None);
    }

    #[test]
    fn this_machine_is_read() {
        assert!(!is_shared(Path::new("/proc/self/mountinfo")));
        assert!(!is_shared(Path::new("/no/such/file")));
    }
}
