//! The idx format, in which MNIST and its kin come.
//!
//! ```text
//! 00 00 08 03                what lies in it: 08 bytes without sign, 03 axes
//! 00 00 EA 60                the size of each axis, big-endian: 60000 …
//! 00 00 00 1C  00 00 00 1C   … images of 28 × 28
//! 00 00 00 FF …              the elements in row-major order
//! ```
//!
//! A file is believed only as far as it goes: memory grows with the bytes that
//! really come, whatever the header promises, and never beyond the promise,
//! whatever a compressed file unpacks to. Too few bytes are an error, and so is
//! one too many.

use std::io::{self, Read};

use tensor::{Error, Result, Tensor};

/// An array of bytes, as an idx file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Reads an idx file of unsigned bytes, plain or compressed by gzip, whatever
/// its name.
///
/// ```
/// let file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let idx = wengert_data::read_idx(file.as_slice())?;
/// assert_eq!(idx.shape(), [2, 3]);
/// assert_eq!(idx.bytes(), [1, 2, 3, 4, 5, 6]);
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Format`] for anything that is not exactly one such file,
/// [`Error::Io`] if reading fails.
pub fn read_idx(reader: impl Read) -> Result<Idx> {
    read_named(reader, "idx data")
}

/// [`read_idx`], with the name that errors give to the source.
pub(crate) fn read_named(mut reader: impl Read, name: &str) -> Result<Idx> {
    // Compressed files tell themselves by their first two bytes, which in a
    // plain file are zero.
    let mut start = Vec::with_capacity(2);
    let read = reader.by_ref().take(2).read_to_end(&mut start);
    read.map_err(|error| reading(name, error))?;
    let is_gzip = start == [0x1f, 0x8b];
    let whole = io::Cursor::new(start).chain(reader);
    if is_gzip {
        read_compressed(whole, name)
    } else {
        read_plain(whole, name)
    }
}

#[cfg(feature = "gzip")]
fn read_compressed(reader: impl Read, name: &str) -> Result<Idx> {
    read_plain(flate2::read::MultiGzDecoder::new(reader), name)
}

#[cfg(not(feature = "gzip"))]
fn read_compressed(_: impl Read, name: &str) -> Result<Idx> {
    Err(Error::format(
        name,
        "compressed by gzip, which this build cannot read (feature `gzip` is off)",
    ))
}

fn read_plain(mut reader: impl Read, name: &str) -> Result<Idx> {
    let failed = |error| reading(name, error);
    let [zero, zero_too, code, axes] = be_word(&mut reader).map_err(failed)?;
    if (zero, zero_too) != (0, 0) {
        return Err(Error::format(
            name,
            format!("no idx file: starts with {zero:02x} {zero_too:02x} instead of 00 00"),
        ));
    }
    if code != UNSIGNED_BYTE {
        return Err(Error::format(
            name,
            format!("holds {}, only unsigned bytes can be read", type_name(code)),
        ));
    }
    if axes == 0 {
        return Err(Error::format(name, "declares an array without axes"));
    }
    let shape = (0..axes)
        .map(|_| be_word(&mut reader).map(|word| u32::from_be_bytes(word) as usize))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    // Counted as the floats that it is going to be.
    let len = tensor::shape::numel::<f32>("read_idx", &shape)
        .map_err(|_| Error::format(name, format!("declares an impossible shape {shape:?}")))?;

    let bytes = read_up_to(&mut reader, len).map_err(failed)?;
    if bytes.len() < len {
        return Err(Error::format(
            name,
            format!(
                "truncated: shape {shape:?} declares {len} bytes, but only {} follow",
                bytes.len()
            ),
        ));
    }
    // At the end a decompressor also compares its checksum.
    if !read_up_to(&mut reader, 1).map_err(failed)?.is_empty() {
        return Err(Error::format(
            name,
            format!("holds more than the {len} bytes that its shape {shape:?} declares"),
        ));
    }
    Ok(Idx {
        name: name.to_owned(),
        shape,
        bytes,
    })
}

/// The format's code for unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

fn type_name(code: u8) -> String {
    match code {
        0x09 => "signed bytes".to_owned(),
        0x0b => "16-bit integers".to_owned(),
        0x0c => "32-bit integers".to_owned(),
        0x0d => "32-bit floats".to_owned(),
        0x0e => "64-bit floats".to_owned(),
        _ => format!("elements of the unknown type {code:#04x}"),
    }
}

fn be_word(reader: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    Ok(word)
}

/// The first `len` bytes, or all if there are fewer. Room is made for as many
/// bytes as have come already, so that a promise alone allocates one
/// [`CHUNK`] at the most, and no more than `len` is ever there.
fn read_up_to(reader: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let room = bytes.len().max(CHUNK).min(len - bytes.len());
        bytes.try_reserve_exact(room)?;
        if reader.by_ref().take(room as u64).read_to_end(&mut bytes)? < room {
            break;
        }
    }
    Ok(bytes)
}

const CHUNK: usize = 1 << 16;

/// The library's error for one of reading. Decompressors, too, speak of bad
/// data as of input and output.
fn reading(name: &str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::format(name, "truncated"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::format(name, source.to_string())
        }
        _ => Error::Io {
            path: name.to_owned(),
            cause: source,
        },
    }
}

impl Idx {
    /// The size of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Grey images: `[N, H, W]` bytes from 0 to `white` become `[N, 1, H, W]`
    /// pixels from 0 to 1.
    ///
    /// # Errors
    /// [`Error::Format`] for another number of axes or a byte above `white`,
    /// [`Error::Value`] if `white` is 0, [`Error::TooLarge`].
    pub fn to_images(&self, white: u8) -> Result<Tensor> {
        if white == 0 {
            return Err(Error::value("images", "white must be positive, got 0"));
        }
        let &[count, height, width] = self.shape() else {
            return Err(self.wrong_axes("images [N, H, W]"));
        };
        if let Some(byte) = self.bytes.iter().find(|&&byte| byte > white) {
            return Err(Error::format(
                &self.name,
                format!("holds a pixel of {byte}, where white is {white}"),
            ));
        }
        let mut images = Tensor::zeros([count, 1, height, width])?;
        for (pixel, &byte) in images.as_mut_slice().iter_mut().zip(&self.bytes) {
            *pixel = f32::from(byte) / f32::from(white);
        }
        Ok(images)
    }

    /// Labels: `[N]` bytes.
    ///
    /// # Errors
    /// [`Error::Format`] for another number of axes, [`Error::TooLarge`].
    pub fn to_labels(&self) -> Result<Tensor<i64>> {
        let &[count] = self.shape() else {
            return Err(self.wrong_axes("labels [N]"));
        };
        let mut labels = Tensor::zeros([count])?;
        for (label, &byte) in labels.as_mut_slice().iter_mut().zip(&self.bytes) {
            *label = i64::from(byte);
        }
        Ok(labels)
    }

    fn wrong_axes(&self, wanted: &str) -> Error {
        Error::format(
            &self.name,
            format!("needs {wanted}, holds shape {:?}", self.shape),
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file of this shape and content.
    pub(crate) fn file(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, UNSIGNED_BYTE, shape.len() as u8];
        file.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
        file.extend(bytes);
        file
    }

    fn message(file: &[u8]) -> String {
        let error = read_idx(file).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn images_and_labels() {
        let idx = read_idx(file(&[2, 1, 3], &[0, 51, 255, 1, 2, 3]).as_slice()).unwrap();
        let images = idx.to_images(255).unwrap();
        assert_eq!(images.shape(), [2, 1, 1, 3]);
        assert_eq!(images.to_vec()[..3], [0.0, 0.2, 1.0]);
        assert!(idx.to_images(254).is_err());
        assert!(idx.to_images(0).is_err());
        assert_eq!(
            idx.to_labels().unwrap_err().to_string(),
            "idx data: needs labels [N], holds shape [2, 1, 3]"
        );

        let idx = read_idx(file(&[3], &[7, 0, 255]).as_slice()).unwrap();
        assert_eq!(idx.to_labels().unwrap().to_vec(), [7, 0, 255]);
        assert!(idx.to_images(255).is_err());

        let none = read_idx(file(&[0, 28, 28], &[]).as_slice()).unwrap();
        assert_eq!(none.to_images(255).unwrap().shape(), [0, 1, 28, 28]);
    }

    #[test]
    fn every_lie_has_its_error() {
        let good = file(&[2, 2], &[1, 2, 3, 4]);
        let with = |at: usize, byte: u8| {
            let mut bad = good.clone();
            bad[at] = byte;
            bad
        };
        assert_eq!(message(&[]), "idx data: truncated");
        assert_eq!(message(&good[..1]), "idx data: truncated");
        assert_eq!(message(&good[..7]), "idx data: truncated");
        assert_eq!(
            message(&with(1, 9)),
            "idx data: no idx file: starts with 00 09 instead of 00 00"
        );
        assert_eq!(
            message(&with(2, 0x0d)),
            "idx data: holds 32-bit floats, only unsigned bytes can be read"
        );
        assert_eq!(
            message(&with(2, 7)),
            "idx data: holds elements of the unknown type 0x07, only unsigned bytes can be read"
        );
        assert_eq!(
            message(&with(3, 0)),
            "idx data: declares an array without axes"
        );
        assert_eq!(
            message(&good[..good.len() - 1]),
            "idx data: truncated: shape [2, 2] declares 4 bytes, but only 3 follow"
        );
        assert_eq!(
            message(&file(&[2, 2], &[1, 2, 3, 4, 5])),
            "idx data: holds more than the 4 bytes that its shape [2, 2] declares"
        );
        assert_eq!(
            message(&file(&[u32::MAX, u32::MAX, 2], &[])),
            "idx data: declares an impossible shape [4294967295, 4294967295, 2]"
        );
        // Zeros do not excuse the rest of a shape.
        assert!(read_idx(file(&[u32::MAX, u32::MAX, 0], &[]).as_slice()).is_err());
    }

    #[test]
    fn a_promise_alone_allocates_no_more_than_a_chunk() {
        let data = file(&[1 << 20, 1 << 20], &[0; 100]);
        let message = message(&data);
        assert!(message.contains("only 100 follow"), "{message}");
        for came in [0, 100, CHUNK, 3 * CHUNK + 1] {
            let bytes = read_up_to(&mut io::repeat(1).take(came as u64), 1 << 40).unwrap();
            assert_eq!(bytes.len(), came);
            assert!(bytes.capacity() <= 2 * came + CHUNK, "{}", bytes.capacity());
        }
    }

    #[test]
    fn no_more_than_what_was_declared_is_allocated() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
            let bytes = read_up_to(&mut io::repeat(1), len).unwrap();
            assert_eq!(bytes.len(), len);
            assert_eq!(bytes.capacity(), len);
        }
    }

    #[test]
    fn trouble_of_the_system_is_not_blamed_on_the_format() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is on fire"))
            }
        }
        let error = read_idx(Broken).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        let header = file(&[4], &[]);
        let error = read_idx(header.chain(Broken)).unwrap_err();
        assert_eq!(error.to_string(), "idx data: the disk is on fire");
    }

    #[cfg(not(feature = "gzip"))]
    #[test]
    fn compressed_files_name_the_missing_feature() {
        assert!(message(&[0x1f, 0x8b, 8, 0]).contains("feature `gzip`"));
    }

    #[cfg(feature = "gzip")]
    pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn compressed_files_are_known_by_their_first_bytes() {
        let plain = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let packed = gzip(&plain);
        assert_eq!(read_idx(&*packed).unwrap(), read_idx(&*plain).unwrap());
        // In several members, as a concatenation of files is.
        let (head, tail) = plain.split_at(9);
        let members = [gzip(head), gzip(tail)].concat();
        assert_eq!(read_idx(&*members).unwrap(), read_idx(&*plain).unwrap());
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn compressed_lies_have_their_errors_too() {
        let packed = gzip(&file(&[2, 3], &[1, 2, 3, 4, 5, 6]));
        for len in 2..packed.len() {
            message(&packed[..len]);
        }
        let mut wrong_checksum = packed.clone();
        wrong_checksum[packed.len() - 8] ^= 1;
        message(&wrong_checksum);
        message(&[packed.as_slice(), b"more"].concat());
        // Sixteen megabytes of zeros in sixteen kilobytes.
        let bomb = gzip(&file(&[10], &vec![0; 1 << 24]));
        assert!(message(&bomb).contains("more than the 10 bytes"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_ok_or_err(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_idx(&*bytes);
            // Behind a good start, so that the rest is looked at.
            let _ = read_idx(&*[&[0, 0, UNSIGNED_BYTE], &*bytes].concat());
            let _ = read_idx(&*[&[0x1f, 0x8b, 8], &*bytes].concat());
        }

        #[test]
        fn a_file_with_changed_bytes_is_ok_or_err(
            sizes in prop::collection::vec(0u32..5, 1..4),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(),
            compressed: bool,
        ) {
            let len = sizes.iter().product::<u32>();
            let mut data = file(&sizes, &(0..len as u8).collect::<Vec<_>>());
            let intact = read_idx(&*data).unwrap();
            prop_assert_eq!(intact.bytes().len(), len as usize);
            #[cfg(feature = "gzip")]
            if compressed {
                data = gzip(&data);
            }
            let _ = compressed;
            for (at, byte) in changes {
                let at = at.index(data.len());
                data[at] = byte;
            }
            data.truncate(cut.index(data.len() + 1));
            if let Ok(idx) = read_idx(&*data) {
                prop_assert_eq!(idx.bytes().len(), idx.shape().iter().product::<usize>());
                let _ = (idx.to_images(255), idx.to_labels());
            }
        }
    }
}
