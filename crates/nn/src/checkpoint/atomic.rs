//! Replacing a file so that every reader, and whoever looks after a crash,
//! finds the old one or the new one and never a part.
//!
//! The bytes go into a new file in the same folder; they are on the disk before
//! that file takes the name of the old one, in one step of the file system; and
//! the folder is on the disk before the call returns. A process that dies in
//! between leaves its unfinished file behind, under a name of its own
//! (`.NAME.PROCESS-N.tmp`), and the old one as it was.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use tensor::{Error, Result};

/// Replaces the file, or makes it.
///
/// # Errors
/// [`Error::Io`]; the file is as it was, or, if only the folder could not be
/// flushed, the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).map_err(|cause| Error::Io {
        path: path.display().to_string(),
        cause,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a link points to is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok().map(|old| old.permissions());
    if old.as_ref().is_some_and(Permissions::readonly) {
        // A new file would not mind that, but whoever protected the old one does.
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    let Some(name) = target.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path does not end in the name of a file",
        ));
    };
    let folder = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{n}.tmp", process::id()));
    let unfinished = Unfinished(folder.join(hidden));

    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&unfinished.0)?;
    if let Some(old) = old {
        file.set_permissions(old)?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished.0, &target)?;
    std::mem::forget(unfinished);
    // Elsewhere a folder cannot be opened, and need not be.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file that is removed unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
