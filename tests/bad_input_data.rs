//! What datasets, batches and files answer to bad input. (The idx reader's own
//! tests lie to it byte by byte; here it is met as its users meet it.)

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::data::{Dataset, Normalization, mnist, read_idx, read_images, read_labels};
use wengert::random::Generator;
use wengert::{Error, Tensor};
use wengert_tests::refused;

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

fn three() -> Dataset {
    Dataset::new(zeros(&[3, 1, 2, 2]), Tensor::from([0, 1, 1]), 2).unwrap()
}

// ---------------------------------------------------------------- datasets

#[test]
fn images_and_labels_that_do_not_fit() {
    let labels = || Tensor::from([0, 1, 1]);
    refused! {
        Dataset::new(zeros(&[3, 2, 2]), labels(), 2) => "dataset", "[N, C, H, W]", "images [3, 2, 2]", "labels [3]";
        Dataset::new(zeros(&[3, 1, 2, 2]), Tensor::from([[0], [1], [1]]), 2) => "dataset", "labels must be [N]", "labels [3, 1]";
        Dataset::new(zeros(&[4, 1, 2, 2]), labels(), 2) => "dataset", "4 images, but 3 labels", "images [4, 1, 2, 2]";
        Dataset::new(zeros(&[3, 1, 2, 2]), labels(), 1) => "dataset", "label 1 of example 1", "1 classes";
        Dataset::new(zeros(&[3, 1, 2, 2]), labels(), 0) => "dataset", "label 0 of example 0", "0 classes";
    }
    for label in [2, -1, i64::MAX, i64::MIN] {
        refused! {
            Dataset::new(zeros(&[2, 1, 2, 2]), Tensor::from([0, label]), 2) => "dataset", format!("label {label} of example 1"), "2 classes";
        }
    }
}

#[test]
fn more_classes_than_can_be_counted() {
    let labels = Tensor::from([0, 1, 1, 0]);
    for classes in [usize::MAX, 1 << 62] {
        let dataset = Dataset::new(zeros(&[4, 1, 1, 1]), labels.clone(), classes).unwrap();
        refused! {
            dataset.class_counts() => "class_counts", format!("[{classes}]"), "does not fit into memory";
        }
        // What need not count them does not.
        let (train, test) = dataset
            .split_stratified(0.5, &mut Generator::new(0))
            .unwrap();
        assert_eq!((train.len(), test.len()), (2, 2));
        assert_eq!(test.labels().iter().sum::<i64>(), 1);
    }
}

#[test]
fn examples_that_are_not_there() {
    let dataset = three();
    let empty = Dataset::new(zeros(&[0, 1, 2, 2]), Tensor::zeros([0]).unwrap(), 2).unwrap();
    for index in [3, usize::MAX, isize::MAX as usize + 1] {
        let says = format!("index {index} is out of range for 3 examples");
        assert!(dataset.get(index).is_none());
        refused! {
            dataset.subset(&[0, index]) => "subset", says;
            dataset.batches(2).and_then(|b| b.in_order([0, index])) => "batches", says;
        }
    }
    assert!(empty.get(0).is_none());
    refused! {
        empty.subset(&[0]) => "subset", "index 0", "0 examples";
        dataset.batches(0) => "batches", "batch size must be positive, got 0";
        dataset.batches(2).and_then(|b| b.starting_at(4)) => "batches", "cannot start at 4 of 3 examples";
        dataset.batches(2).and_then(|b| b.in_order([0])?.starting_at(2)) => "batches", "cannot start at 2 of 1 examples";
        dataset.batches(2).and_then(|b| b.resume(Some(vec![0, 3]), 0)) => "batches", "index 3 is out of range for 3 examples";
        dataset.batches(2).and_then(|b| b.resume(None, 4)) => "batches", "cannot start at 4 of 3 examples";
        dataset.batches(2).and_then(|b| b.starting_at(usize::MAX)) => "batches", "18446744073709551615";
    }
    // A batch larger than the set is the set; of nothing there are none.
    assert_eq!(dataset.batches(usize::MAX).unwrap().count(), 1);
    assert_eq!(dataset.batches(usize::MAX).unwrap().drop_last().count(), 0);
    assert_eq!(empty.batches(1).unwrap().count(), 0);
    assert_eq!(
        empty
            .batches(1)
            .unwrap()
            .shuffled(&mut Generator::new(0))
            .count(),
        0
    );
}

#[test]
fn batches_that_no_memory_can_hold() {
    // Empty images of a vast plane: one is no bytes, and so are many.
    let vast = Dataset::new(zeros(&[1, 0, 1 << 59, 2]), Tensor::from([0]), 1).unwrap();
    refused! {
        vast.subset(&[0; 4]) => "subset", "[4, 0, 576460752303423488, 2]", "does not fit into memory";
    }
    let mut batches = vast.batches(4).unwrap().in_order([0; 4]).unwrap();
    refused! {
        batches.next().unwrap() => "batches", "[4, 0, 576460752303423488, 2]", "does not fit into memory";
    }
    assert!(batches.next().is_none());
}

#[test]
fn fractions_that_are_none() {
    let rng = &mut Generator::new(0);
    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused! {
            three().split_stratified(fraction, rng) => "split_stratified", "0..=1", format!("{fraction}");
        }
    }
    let empty = three().subset(&[]).unwrap();
    let (train, test) = empty.split_stratified(0.5, rng).unwrap();
    assert!(train.is_empty() && test.is_empty());
}

// ---------------------------------------------------------------- normalisation

#[test]
fn means_and_deviations_that_are_none() {
    refused! {
        Normalization::new([0.0, 0.0], [1.0]) => "normalization", "2 means, but 1 deviations";
        Normalization::new([f32::NAN], [1.0]) => "normalization", "finite mean", "NaN", "channel 0";
        Normalization::new([0.0, f32::INFINITY], [1.0, 1.0]) => "normalization", "inf", "channel 1";
        Normalization::new([0.0], [0.0]) => "normalization", "positive deviation", "0 and 0";
        Normalization::new([0.0], [-1.0]) => "normalization", "positive deviation", "-1";
        Normalization::new([0.0], [f32::NAN]) => "normalization", "positive deviation", "NaN";
    }
    let pair = Normalization::new([0.0, 0.0], [1.0, 1.0]).unwrap();
    refused! {
        three().normalize(&pair) => "normalization", "[..., 2, H, W]", "[3, 1, 2, 2]";
        pair.apply(&zeros(&[2, 4])) => "normalization", "[..., 2, H, W]", "[2, 4]";
        pair.apply(&zeros(&[])) => "normalization", "[..., 2, H, W]", "[]";
    }
    let with = |images: Tensor| {
        let labels = Tensor::zeros([images.shape()[0]])?;
        Normalization::measure(&Dataset::new(images, labels, 1)?)
    };
    refused! {
        with(zeros(&[0, 1, 2, 2])) => "normalization", "no pixels", "[0, 1, 2, 2]";
        with(zeros(&[2, 0, 2, 2])) => "normalization", "no pixels", "[2, 0, 2, 2]";
        with(zeros(&[2, 1, 0, 2])) => "normalization", "no pixels", "[2, 1, 0, 2]";
        with(Tensor::full([1, 1, 2, 2], f32::NAN).unwrap()) => "normalization", "NaN", "channel 0";
        with(Tensor::from([[[[0.0, f32::INFINITY]]]])) => "normalization", "channel 0";
    }
}

// ---------------------------------------------------------------- files

#[test]
fn files_that_lie() {
    let of = |bytes: &[u8]| read_idx(bytes);
    let huge = [
        0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    ];
    let long = [0, 0, 8, 1, 127, 255, 255, 255, 1, 2, 3];
    refused! {
        of(&[]) => "idx data", "truncated";
        of(&[0]) => "idx data", "truncated";
        of(&[0, 0, 8]) => "idx data", "truncated";
        of(b"PNG and more") => "idx data", "no idx file", "50 4e";
        of(&[0, 0, 13, 1, 0, 0, 0, 0]) => "idx data", "32-bit floats", "only unsigned bytes";
        of(&[0, 0, 8, 0]) => "idx data", "without axes";
        of(&[0, 0, 8, 2, 0, 0, 0, 1]) => "idx data", "truncated";
        of(&[0, 0, 8, 1, 0, 0, 0, 3, 1, 2]) => "idx data", "truncated", "[3]", "only 2";
        of(&[0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4]) => "idx data", "more than the 3 bytes", "[3]";
        of(&huge) => "idx data", "impossible shape", "[4294967295, 4294967295, 4294967295]";
        // What it promises is not what it takes in memory.
        of(&long) => "idx data", "truncated", "2147483647", "only 3";
        of(&[0x1f, 0x8b]) => "idx data";
        of(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]) => "idx data";
    }
    let cube = of(&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 200]).unwrap();
    let list = of(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9]).unwrap();
    refused! {
        cube.to_images(0) => "images", "white must be positive, got 0";
        cube.to_images(100) => "idx data", "pixel of 200", "white is 100";
        cube.to_labels() => "idx data", "labels [N]", "[1, 1, 1]";
        list.to_images(255) => "idx data", "images [N, H, W]", "[2]";
    }
}

#[test]
fn files_that_are_not_there() {
    let nowhere = std::env::temp_dir().join("wengert-no-such-directory");
    let answers = [
        mnist(&nowhere).err(),
        read_images(nowhere.join("images")).err(),
        read_labels(nowhere.join("labels")).err(),
    ];
    for answer in answers {
        let error = answer.unwrap();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(
            error.to_string().contains("wengert-no-such-directory"),
            "{error}"
        );
    }
}
