//! MNIST, Fashion-MNIST and their kin: four idx files in a directory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tensor::{Error, Result, Tensor};

use crate::Dataset;
use crate::idx::{Idx, read_named};

/// What every set of this family has: ten classes, pixels from 0 to 255.
const CLASSES: usize = 10;
const WHITE: u8 = 255;

/// The training and the test set of a directory that holds
///
/// ```text
/// train-images-idx3-ubyte   t10k-images-idx3-ubyte
/// train-labels-idx1-ubyte   t10k-labels-idx1-ubyte
/// ```
///
/// each of them plain or with the ending `.gz`, and with `-idx` or `.idx`.
/// Images are `[N, 1, H, W]` with pixels scaled to [0, 1], labels 0 to 9.
///
/// ```no_run
/// let (train, test) = wengert_data::mnist("/usr/share/datasets/fashion-mnist")?;
/// assert_eq!((train.len(), test.len()), (60_000, 10_000));
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] for a file that is not there or cannot be read;
/// [`Error::Format`] for one that is not what it should be, or for files that
/// do not fit each other. All name the file.
pub fn mnist(dir: impl AsRef<Path>) -> Result<(Dataset, Dataset)> {
    let dir = dir.as_ref();
    let train = read_set(dir, "train")?;
    let test = read_set(dir, "t10k")?;
    if train.image_shape() != test.image_shape() {
        return Err(Error::format(
            dir.display().to_string(),
            format!(
                "images of different shapes: {:?} for training, {:?} for testing",
                train.image_shape(),
                test.image_shape()
            ),
        ));
    }
    Ok((train, test))
}

/// The grey images of an idx file, `[N, 1, H, W]`, with pixels scaled from
/// 0 … 255 to [0, 1].
///
/// # Errors
/// [`Error::Io`], [`Error::Format`], [`Error::TooLarge`]; see [`read_idx`](crate::read_idx).
pub fn read_images(path: impl AsRef<Path>) -> Result<Tensor> {
    read_file(path.as_ref())?.to_images(WHITE)
}

/// The labels of an idx file, `[N]`.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`], [`Error::TooLarge`]; see [`read_idx`](crate::read_idx).
pub fn read_labels(path: impl AsRef<Path>) -> Result<Tensor<i64>> {
    read_file(path.as_ref())?.to_labels()
}

fn read_file(path: &Path) -> Result<Idx> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_named(file, &name),
        Err(cause) => Err(Error::Io { path: name, cause }),
    }
}

fn read_set(dir: &Path, set: &str) -> Result<Dataset> {
    let images = find(dir, set, "images", 3)?;
    let labels = find(dir, set, "labels", 1)?;
    Dataset::new(read_images(&images)?, read_labels(&labels)?, CLASSES).map_err(|error| {
        let what = format!("{} with {}", images.display(), labels.display());
        Error::format(what, error.to_string())
    })
}

/// The first spelling of a file's name under which it is there.
fn find(dir: &Path, set: &str, kind: &str, axes: usize) -> Result<PathBuf> {
    let standard = format!("{set}-{kind}-idx{axes}-ubyte");
    let dotted = format!("{set}-{kind}.idx{axes}-ubyte");
    let found = [&standard, &dotted]
        .into_iter()
        .flat_map(|name| [dir.join(name), dir.join(format!("{name}.gz"))])
        .find(|path| path.is_file());
    found.ok_or_else(|| Error::Io {
        path: dir.join(standard).display().to_string(),
        cause: io::Error::new(
            io::ErrorKind::NotFound,
            "no such file, nor with .gz or .idx in its name",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idx::tests::file;
    use std::fs;

    /// A directory of one's own under the system's, removed when dropped.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let name = format!("wengert-data-{test}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, content: &[u8]) {
            fs::write(self.0.join(name), content).unwrap();
        }

        /// Three training and two test images of 1 × 2.
        fn fill(&self) {
            self.write(
                "train-images-idx3-ubyte",
                &file(&[3, 1, 2], &[0, 255, 1, 2, 3, 4]),
            );
            self.write("train-labels-idx1-ubyte", &file(&[3], &[9, 0, 4]));
            self.write("t10k-images.idx3-ubyte", &file(&[2, 1, 2], &[5, 6, 7, 8]));
            self.write("t10k-labels-idx1-ubyte", &file(&[2], &[1, 2]));
        }

        fn error(&self) -> String {
            let message = mnist(&self.0).unwrap_err().to_string();
            message.replace(&self.0.display().to_string(), "DIR")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn four_files_make_two_sets() {
        let dir = Directory::new("four");
        dir.fill();
        let (train, test) = mnist(&dir.0).unwrap();
        assert_eq!(train.images().shape(), [3, 1, 1, 2]);
        assert_eq!(train.images().to_vec()[..2], [0.0, 1.0]);
        assert_eq!(train.labels().to_vec(), [9, 0, 4]);
        assert_eq!(test.len(), 2);
        assert_eq!(test.classes(), 10);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn compressed_files_do_as_well() {
        let dir = Directory::new("gzip");
        dir.fill();
        let path = dir.0.join("t10k-labels-idx1-ubyte");
        let packed = crate::idx::tests::gzip(&fs::read(&path).unwrap());
        fs::remove_file(path).unwrap();
        dir.write("t10k-labels.idx1-ubyte.gz", &packed);
        assert_eq!(mnist(&dir.0).unwrap().1.labels().to_vec(), [1, 2]);
    }

    #[test]
    fn errors_name_the_file() {
        let dir = Directory::new("errors");
        assert_eq!(
            dir.error(),
            "DIR/train-images-idx3-ubyte: no such file, nor with .gz or .idx in its name"
        );
        dir.fill();
        dir.write("t10k-labels-idx1-ubyte", &file(&[2], &[1, 10]));
        assert_eq!(
            dir.error(),
            "DIR/t10k-images.idx3-ubyte with DIR/t10k-labels-idx1-ubyte: \
             dataset: label 10 of example 1 is out of range for 10 classes"
        );
        dir.write("t10k-labels-idx1-ubyte", &file(&[3], &[1, 2, 3]));
        assert_eq!(
            dir.error(),
            "DIR/t10k-images.idx3-ubyte with DIR/t10k-labels-idx1-ubyte: \
             dataset: 2 images, but 3 labels (images [2, 1, 1, 2], labels [3])"
        );
        dir.write("t10k-labels-idx1-ubyte", &file(&[2, 1], &[1, 2]));
        assert_eq!(
            dir.error(),
            "DIR/t10k-labels-idx1-ubyte: needs labels [N], holds shape [2, 1]"
        );
        dir.fill();
        dir.write("t10k-images.idx3-ubyte", &file(&[2, 2, 1], &[5, 6, 7, 8]));
        assert_eq!(
            dir.error(),
            "DIR: images of different shapes: [1, 1, 2] for training, [1, 2, 1] for testing"
        );
        dir.write("train-images-idx3-ubyte", b"<html>");
        assert_eq!(
            dir.error(),
            "DIR/train-images-idx3-ubyte: no idx file: starts with 3c 68 instead of 00 00"
        );
        assert!(matches!(
            read_images(dir.0.join("none")),
            Err(Error::Io { .. })
        ));
    }
}
