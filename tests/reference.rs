//! The reference cases of `tests/fixtures`, run as part of all tests, and the
//! runner itself: it must see what is wrong. See [`wengert_tests::reference`].

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wengert_tests::reference::report::Verdict;
use wengert_tests::reference::{Filter, run};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[test]
fn the_library_answers_as_pytorch_does() {
    let mut wrong = Vec::new();
    let mut tell = |name: &str, verdict: &Verdict| match verdict {
        Verdict::Passed => {}
        Verdict::Failed(why) => wrong.push(format!("FAIL {name}: {why}")),
        // What no program that compiles can say.
        Verdict::Unsupported(why) if why == "the types rule this call out" => {}
        Verdict::Unsupported(why) => wrong.push(format!("UNSUPPORTED {name}: {why}")),
    };
    let report = run(&fixtures(), &Filter::default(), &mut tell).unwrap();
    println!("\n{}\n{}", report.table(), report.total());
    assert!(report.total().passed > 1000, "where are the cases?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs one case of the fixtures after an edit of its JSON.
fn verdict_of(source: &str, op: &str, id: &str, edit: impl FnOnce(&mut Value)) -> Verdict {
    let from = fixtures().join(source);
    let text = fs::read_to_string(from.join(format!("{op}.json"))).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let mut cases = file["cases"].as_array().unwrap().iter();
    let mut case = cases.find(|case| case["id"] == id).unwrap().clone();
    edit(&mut case);
    let edited = case.to_string();
    file["cases"] = json!([case]);

    // A folder for each edit: tests run side by side.
    let hash = edited
        .bytes()
        .fold(7u64, |hash, b| hash.wrapping_mul(31).wrapping_add(b.into()));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{op}-{hash:016x}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("case.json"), file.to_string()).unwrap();
    // The tensors of the file of cases, or the files that the case names.
    for name in edited.split('"').filter(|s| s.ends_with(".safetensors")) {
        fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let tensors = format!("{op}.safetensors");
    if from.join(&tensors).exists() {
        fs::copy(from.join(&tensors), folder.join(&tensors)).unwrap();
    }

    let mut verdicts = BTreeMap::new();
    let mut tell = |name: &str, verdict: &Verdict| {
        verdicts.insert(name.to_owned(), verdict.clone());
    };
    run(&folder, &Filter::default(), &mut tell).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    verdicts.into_values().next().unwrap()
}

/// The same, where the edit must be noticed, in these words.
fn notices(source: &str, op: &str, id: &str, words: &str, edit: impl FnOnce(&mut Value)) {
    match verdict_of(source, op, id, edit) {
        Verdict::Failed(why) => assert!(why.contains(words), "{why}"),
        other => panic!("{op}/{id} is {other:?}"),
    }
}

#[test]
fn wrong_answers_are_noticed() {
    let (source, op, id) = ("operations", "mul", "c000");
    assert_eq!(verdict_of(source, op, id, |_| ()), Verdict::Passed);
    notices(source, op, id, "output 0 differs", |case| {
        case["outputs"][0] = case["cotangents"][0].clone();
    });
    notices(source, op, id, "gradient of input differs", |case| {
        case["grads"]["input"] = case["grads"]["other"].clone();
    });
    notices(source, op, id, "gradient of other differs", |case| {
        case["grads"]["other"] = Value::Null;
    });
    notices(
        source,
        op,
        id,
        "second-order gradient of other differs",
        |case| {
            case["second_order"]["grads"]["other"] = case["grads"]["other"].clone();
        },
    );
    notices(source, op, id, "yields 1 outputs, expected 2", |case| {
        case["outputs"] = json!([case["outputs"][0], case["outputs"][0]]);
    });
    notices(source, op, id, "succeeds", |case| {
        case["expect"] = json!("error");
    });
    notices("operations", "argmax", "c000", "output 0", |case| {
        case["outputs"] = json!([case["args"]["input"]]);
    });
    notices("refusals", "mul", "c000", "refused: mul: ", |case| {
        case["expect"] = json!("value");
    });
    notices(
        "modules",
        "Linear",
        "c000",
        "gradient of param:bias",
        |case| {
            case["grads"]["param:bias"] = Value::Null;
        },
    );
    notices("training", "trajectories", "sgd", "losses[29] is", |case| {
        case["losses"][29] = json!(1.0);
    });
    notices(
        "training",
        "trajectories",
        "sgd",
        "value after 30 steps of conv1.bias",
        |case| {
            case["params_after"]["30"]["conv1.bias"] =
                case["params_after"]["2"]["conv1.bias"].clone();
        },
    );
}

#[test]
fn wrong_files_are_noticed() {
    let notices = |id: &str, words: &str, edit: fn(&mut Value)| {
        notices("checkpoints", "checkpoints", id, words, edit);
    };
    notices("ok_plain", "`fc.weight` is", |case| {
        case["values"] = json!("odd.expected.safetensors");
    });
    notices("ok_plain", "the file loads", |case| {
        case["expect"] = json!("error");
    });
    notices("ok_plain", "strict loading succeeds", |case| {
        case["strict_load"] = json!("error");
    });
    notices(
        "bad_missing",
        "refused: load_state_dict: missing: `fc.bias`",
        |case| {
            case["expect"] = json!("loads");
            case["strict_load"] = Value::Null;
        },
    );
    notices("bad_deep", "refused: ", |case| {
        case["strict_load"] = json!("error");
    });
    notices("type_f16", "`fc.bias` is", |case| {
        case["values"] = json!("bf16.expected.safetensors");
    });
    notices("cnn_f32", "logits differs", |case| {
        case["tol"] = json!({"rtol": 0.0, "atol": 1e-12});
    });
}

#[test]
fn only_what_cannot_be_said_is_unsupported() {
    let unsupported = |edit: fn(&mut Value)| {
        let verdict = verdict_of("operations", "add", "c000", edit);
        assert!(matches!(verdict, Verdict::Unsupported(_)), "{verdict:?}");
    };
    unsupported(|case| case["op"] = json!("erfcx"));
    unsupported(|case| case["args"]["out"] = json!("somewhere"));
    unsupported(|case| {
        case["expect"] = json!("error");
        case["tags"] = json!(["static_type"]);
    });
    // What PyTorch refuses for reasons of its own may succeed.
    let lenient = verdict_of("operations", "add", "c000", |case| {
        case["expect"] = json!("error");
        case["tags"] = json!(["torch_limit"]);
    });
    assert_eq!(lenient, Verdict::Passed);
}
