//! Files as they should be, and as they should not.

use super::*;

/// A file with this header.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The entry of a tensor in a header.
fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

/// A file with these entries.
fn of_entries(entries: &[String], data: &[u8]) -> Vec<u8> {
    file(&format!("{{{}}}", entries.join(",")), data)
}

fn state() -> StateDict {
    let mut state = StateDict::new();
    state.insert(
        "fc.weight",
        &Tensor::from([[1.5f32, -0.0], [f32::NAN, 1e-40]]),
    );
    state.insert("fc.bias", &Tensor::from([0.1f64, f64::NEG_INFINITY]));
    state.insert("bn.num_batches_tracked", &Tensor::scalar(i64::MIN));
    state.insert("mask", &Tensor::from([true, false, true]));
    state.insert("empty", &Tensor::<f32>::zeros([0, 3]).unwrap());
    state.insert("ein \"ö\"\n", &Tensor::scalar(1.0f32));
    for (name, text) in [("b", "2"), ("a", "1"), ("ü", "\"\\")] {
        state.metadata.insert(name.into(), text.into());
    }
    state
}

#[test]
fn everything_comes_back_and_the_same_state_is_the_same_bytes() {
    let bytes = state().to_bytes().unwrap();
    assert_eq!(bytes, state().to_bytes().unwrap());
    let back = StateDict::from_bytes(&bytes).unwrap();
    // Bytes, since NaN is legal and not equal to itself.
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert_eq!(back.metadata, state().metadata);
    assert_eq!(back.get("fc.bias"), state().get("fc.bias"));
    assert_eq!(back.get("empty").unwrap().shape(), [0, 3]);
    assert_eq!(back.get("mask"), state().get("mask"));
    assert_eq!(back.len(), 6);
    // The crate reads what is written here.
    assert_eq!(SafeTensors::deserialize(&bytes).unwrap().len(), 6);
    let nothing = StateDict::from_bytes(&file("{}", b"")).unwrap();
    assert!(nothing.is_empty() && nothing.metadata.is_empty());
}

#[test]
fn what_the_format_allows_is_read() {
    let one = |header: &str, data: &[u8]| StateDict::from_bytes(&file(header, data)).unwrap();
    let two = [0, 0, 128, 63, 0, 0, 0, 64];
    let (a, b) = (
        entry("a", "F32", "[1]", "[4,8]"),
        entry("b", "F32", "[]", "[0,4]"),
    );
    // Any order, any length of the header, blanks at its end and inside it.
    for header in [format!("{{{a},{b}}}"), format!("{{{b} , {a} }}    ")] {
        let state = one(&header, &two);
        assert_eq!(state.get("a"), Some(&StateTensor::F32(Tensor::from([2.0]))));
        assert_eq!(state.get("b"), Some(&StateTensor::F32(Tensor::scalar(1.0))));
    }
    let shape = entry("e", "I64", "[3,0,2]", "[0,0]");
    let both = format!(r#"{{"__metadata__":{{"format":"pt"}},{shape}}}"#);
    let state = one(&both, b"");
    assert_eq!(state.metadata["format"], "pt");
    assert_eq!(state.get("e").unwrap().shape(), [3, 0, 2]);
    assert!(one(r#"{"__metadata__":null}"#, b"").metadata.is_empty());
}

#[test]
fn numbers_that_tensors_do_not_have_are_widened_or_refused() {
    let read = |dtype: &str, data: &[u8]| {
        let offsets = format!("[0,{}]", data.len());
        let found = StateDict::from_bytes(&of_entries(&[entry("x", dtype, "[2]", &offsets)], data));
        found.map(|mut state| state.remove("x").unwrap())
    };
    let floats = |x: [f32; 2]| StateTensor::F32(Tensor::from(x));
    let ints = |x: [i64; 2]| StateTensor::I64(Tensor::from(x));
    let accepted: [(&str, &[u8], _); 8] = [
        ("F16", &[0, 0x3c, 1, 0], floats([1.0, 5.960_464_5e-8])),
        ("BF16", &[0x40, 0xc0, 0x80, 0x3f], floats([-3.0, 1.0])),
        ("I8", &[255, 127], ints([-1, 127])),
        ("U8", &[255, 127], ints([255, 127])),
        ("I16", &[0, 128, 1, 0], ints([-32768, 1])),
        ("U16", &[0, 128, 1, 0], ints([32768, 1])),
        ("I32", &[255, 255, 255, 255, 2, 0, 0, 0], ints([-1, 2])),
        (
            "U32",
            &[255, 255, 255, 255, 2, 0, 0, 0],
            ints([0xffff_ffff, 2]),
        ),
    ];
    for (dtype, data, value) in accepted {
        assert_eq!(read(dtype, data).unwrap(), value, "{dtype}");
    }
    for (dtype, data) in [
        ("U64", &[0; 16][..]),
        ("C64", &[0; 16]),
        ("F8_E4M3", &[0; 2]),
    ] {
        let error = read(dtype, data).unwrap_err().to_string();
        assert!(error.contains(dtype) && error.contains("`x`"), "{error}");
    }
    assert!(read("F4", &[0]).is_err());
    assert!(read("F128", &[0; 32]).is_err());
}

#[test]
fn malformed_files_are_errors() {
    let zeros = [0; 16];
    let f32s = |name: &str, n: &str, at: &str| entry(name, "F32", n, at);
    let good = f32s("a", "[4]", "[0,16]");
    assert!(StateDict::from_bytes(&of_entries(std::slice::from_ref(&good), &zeros)).is_ok());
    let with_length = |length: u64| {
        let mut bytes = of_entries(std::slice::from_ref(&good), &zeros);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let one = |entry: String| of_entries(&[entry], &zeros);
    let two = |a: String, b: String| of_entries(&[a, b], &zeros);
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let max = u64::MAX.to_string();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("seven bytes", vec![0; 7]),
        ("no header", vec![0; 8]),
        ("the longest header", with_length(u64::MAX)),
        ("a length whose sum wraps", with_length(u64::MAX - 7)),
        ("a length with the sign bit", with_length(1 << 63)),
        ("a header longer than the file", with_length(1 << 20)),
        (
            "a header that takes in data",
            with_length(good.len() as u64 + 6),
        ),
        ("a header cut short", with_length(10)),
        ("a list", file("[]", b"")),
        ("a number", file("7", b"")),
        ("blanks before", file(&format!(" {{{good}}}"), &zeros)),
        ("words after", file(&format!("{{{good}}} x"), &zeros)),
        ("a zero byte after", file(&format!("{{{good}}}\0"), &zeros)),
        ("not UTF-8", [&2u64.to_le_bytes()[..], b"{\xff"].concat()),
        ("not UTF-8 in a name", {
            let mut bytes = one(good.clone());
            bytes[10] = 0xff;
            bytes
        }),
        ("a lone surrogate", one(f32s("\\ud800", "[4]", "[0,16]"))),
        (
            "a name twice",
            two(f32s("a", "[4]", "[0,16]"), good.clone()),
        ),
        (
            "a name twice, apart",
            two(f32s("a", "[2]", "[0,8]"), f32s("a", "[2]", "[8,16]")),
        ),
        (
            "a name twice, spelt otherwise",
            two(f32s("\\u0061", "[4]", "[0,16]"), good.clone()),
        ),
        (
            "metadata twice",
            file(r#"{"__metadata__":{},"__metadata__":{}}"#, b""),
        ),
        (
            "a note twice",
            file(r#"{"__metadata__":{"a":"1","a":"2"}}"#, b""),
        ),
        (
            "a note that is a number",
            file(r#"{"__metadata__":{"a":1}}"#, b""),
        ),
        ("metadata as text", file(r#"{"__metadata__":"a"}"#, b"")),
        (
            "a tensor named as metadata",
            one(f32s("__metadata__", "[4]", "[0,16]")),
        ),
        (
            "a field twice",
            one(r#""a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}"#.into()),
        ),
        (
            "no type",
            one(r#""a":{"shape":[4],"data_offsets":[0,16]}"#.into()),
        ),
        (
            "no shape",
            one(r#""a":{"dtype":"F32","data_offsets":[0,16]}"#.into()),
        ),
        (
            "no offsets",
            one(r#""a":{"dtype":"F32","shape":[4]}"#.into()),
        ),
        ("null", one(r#""a":null"#.into())),
        ("bytes after", [one(good.clone()), vec![0]].concat()),
        ("all bytes after", of_entries(&[], &zeros)),
        (
            "a byte too few",
            of_entries(std::slice::from_ref(&good), &zeros[1..]),
        ),
        ("a hole before", one(f32s("a", "[3]", "[4,16]"))),
        (
            "a hole between",
            two(f32s("a", "[1]", "[0,4]"), f32s("b", "[2]", "[8,16]")),
        ),
        (
            "overlap",
            two(f32s("a", "[3]", "[0,12]"), f32s("b", "[2]", "[8,16]")),
        ),
        (
            "the same place twice",
            two(good.clone(), f32s("b", "[4]", "[0,16]")),
        ),
        ("reversed", one(f32s("a", "[4]", "[16,0]"))),
        ("reversed and empty", one(f32s("a", "[0]", "[16,0]"))),
        ("past the end", one(f32s("a", "[8]", "[0,32]"))),
        (
            "far past the end",
            one(entry("a", "U8", &format!("[{max}]"), &format!("[0,{max}]"))),
        ),
        (
            "a size that wraps to what is there",
            one(entry(
                "a",
                "U8",
                &format!("[{max}]"),
                &format!("[17,{max}]"),
            )),
        ),
        (
            "offsets too large",
            one(f32s("a", "[4]", "[0,18446744073709551632]")),
        ),
        ("negative offsets", one(f32s("a", "[4]", "[-16,0]"))),
        ("fractional offsets", one(f32s("a", "[4]", "[0.0,16.0]"))),
        ("one offset", one(f32s("a", "[4]", "[16]"))),
        ("three offsets", one(f32s("a", "[4]", "[0,8,16]"))),
        ("a shape too large", one(f32s("a", "[5]", "[0,16]"))),
        ("a shape too small", one(f32s("a", "[3]", "[0,16]"))),
        (
            "a shape whose product wraps",
            one(f32s("a", "[4294967296,4294967296,4]", "[0,16]")),
        ),
        (
            "a shape whose bytes wrap",
            one(f32s("a", "[4611686018427387908]", "[0,16]")),
        ),
        ("a negative shape", one(f32s("a", "[-4]", "[0,16]"))),
        ("a negative pair", one(f32s("a", "[-2,-2]", "[0,16]"))),
        ("a fractional shape", one(f32s("a", "[4.0]", "[0,16]"))),
        ("a shape of text", one(f32s("a", "[\"4\"]", "[0,16]"))),
        ("an unknown type", one(entry("a", "F33", "[4]", "[0,16]"))),
        (
            "a type in small letters",
            one(entry("a", "f32", "[4]", "[0,16]")),
        ),
        (
            "a deep list",
            file(&format!("{{{good},\"b\":{}}}", deep(100_000)), &zeros),
        ),
        ("a deep shape", one(f32s("a", &deep(100_000), "[0,16]"))),
        (
            "a deep field",
            one(good.replace("{", &format!("{{\"x\":{},", deep(100_000)))),
        ),
        (
            "a deep note",
            file(
                &format!(r#"{{"__metadata__":{{"a":{}}}}}"#, deep(100_000)),
                b"",
            ),
        ),
        ("a deep beginning", file(&r#"{"a":"#.repeat(100_000), b"")),
    ];
    for (what, bytes) in cases {
        match StateDict::from_bytes(&bytes) {
            Err(Error::Format { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn no_part_of_a_file_is_a_file_and_no_flipped_byte_a_panic() {
    let bytes = state().to_bytes().unwrap();
    for n in 0..bytes.len() {
        assert!(StateDict::from_bytes(&bytes[..n]).is_err(), "{n} bytes");
    }
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x5b, 0x7d] {
            let mut flipped = bytes.clone();
            flipped[at] ^= mask;
            accepted += usize::from(StateDict::from_bytes(&flipped).is_ok());
        }
    }
    // Any number is legal: those in the data were.
    assert!(accepted > 100);
}

#[test]
fn a_reserved_name_is_not_written() {
    let mut state = StateDict::new();
    state.insert("__metadata__", &Tensor::scalar(1.0f32));
    let error = state.to_bytes().unwrap_err().to_string();
    assert_eq!(
        error,
        "state_dict: no tensor can have the name `__metadata__`"
    );
}

#[test]
fn a_file_is_replaced_in_place_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut small = StateDict::new();
    small.insert("x", &Tensor::scalar(1.0f32));
    state().save(&path).unwrap();
    small.save(&path).unwrap();
    assert_eq!(StateDict::load(&path).unwrap(), small);
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 1);

    // What cannot be written leaves the old file, and nothing else.
    let nowhere = folder.path().join("missing/model.safetensors");
    assert!(matches!(small.save(&nowhere), Err(Error::Io { .. })));
    assert!(matches!(small.save(folder.path()), Err(Error::Io { .. })));
    assert!(matches!(small.save(""), Err(Error::Io { .. })));
    assert!(matches!(StateDict::load(&nowhere), Err(Error::Io { .. })));
    assert!(matches!(
        StateDict::load(folder.path()),
        Err(Error::Io { .. })
    ));
    assert_eq!(names(), 1);

    // An error in reading names the file.
    std::fs::write(&path, b"short").unwrap();
    let error = StateDict::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("model.safetensors: truncated: 5 bytes"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (
        folder.path().join("1.safetensors"),
        folder.path().join("latest"),
    );
    let state = StateDict::new();
    state.save(&real).unwrap();
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("1.safetensors", &link).unwrap();
    state.save(&link).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = || std::fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode() & 0o777, 0o640);

    // What was protected stays as it is; what has no end is not read.
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o440)).unwrap();
    let error = self::state().save(&link).unwrap_err().to_string();
    assert!(error.contains("read-only"), "{error}");
    assert!(StateDict::load(&real).unwrap().is_empty());
    assert!(matches!(
        StateDict::load("/dev/zero"),
        Err(Error::Io { .. })
    ));
}
