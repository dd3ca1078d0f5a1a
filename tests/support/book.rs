//! Where the snippets of the book are compiled and run.
//!
//! Each chapter of `docs/`, and the README, becomes the documentation of a
//! module that exists for `cargo test --doc` alone, so that every block of Rust
//! in it is a test. What the book says about the code stays true, or a test
//! fails.

// The README and the chapters. A new chapter needs a line here and one in
// `docs/SUMMARY.md`.
#[cfg(doctest)]
mod chapters {
    macro_rules! chapters {
        ($($name:ident: $path:literal,)+) => {
            $(
                #[doc = include_str!($path)]
                mod $name {}
            )+
        };
    }

    chapters! {
        readme: "../../README.md",
        introduction: "../../docs/README.md",
        getting_started: "../../docs/getting-started.md",
        cross_correlation: "../../docs/cross-correlation.md",
        a_layer_of_your_own: "../../docs/a-layer-of-your-own.md",
        edge_detection: "../../docs/edge-detection.md",
        learning_a_kernel: "../../docs/learning-a-kernel.md",
        convolution_and_cross_correlation: "../../docs/convolution-and-cross-correlation.md",
        receptive_field: "../../docs/receptive-field.md",
        padding: "../../docs/padding.md",
        stride: "../../docs/stride.md",
        channels: "../../docs/channels.md",
        one_by_one: "../../docs/one-by-one.md",
        pooling: "../../docs/pooling.md",
        architecture: "../../docs/architecture.md",
        how_convolution_is_differentiated: "../../docs/how-convolution-is-differentiated.md",
        checkpoints: "../../docs/checkpoints.md",
        performance: "../../docs/performance.md",
        how_to_add_an_op: "../../docs/how-to-add-an-op.md",
        for_pytorch_users: "../../docs/for-pytorch-users.md",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// The README and the files of the book.
    fn pages() -> Vec<PathBuf> {
        let docs = fs::read_dir(root().join("docs")).unwrap();
        let mut pages: Vec<_> = docs.map(|entry| entry.unwrap().path()).collect();
        pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        pages.push(root().join("README.md"));
        pages.sort();
        pages
    }

    /// What stands in parentheses behind `](`.
    fn links(text: &str) -> impl Iterator<Item = &str> {
        text.split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
    }

    #[test]
    fn every_chapter_is_listed_and_tested() {
        let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
        let listed: BTreeSet<_> = links(&summary).collect();
        for page in pages() {
            let text = fs::read_to_string(&page).unwrap();
            let name = page.file_name().unwrap().to_str().unwrap();
            if page.parent().unwrap().ends_with("docs") && name != "SUMMARY.md" {
                assert!(
                    listed.contains(name),
                    "docs/SUMMARY.md does not list {name}"
                );
                let tested = include_str!("book.rs").contains(&format!("docs/{name}\""));
                assert!(tested, "tests/support/book.rs does not run {name}");
            }
            for tag in ["```ignore", "```rust,ignore", "```rust,no_run"] {
                assert!(!text.contains(tag), "{name} has a block that no test runs");
            }
            assert!(!text.contains("@@"), "{name} has a place left to fill");
        }
    }

    #[test]
    fn links_between_files_lead_somewhere() {
        for page in pages() {
            let text = fs::read_to_string(&page).unwrap();
            for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with('#'))
            {
                let file = link.split('#').next().unwrap();
                let target = page.parent().unwrap().join(file);
                assert!(target.exists(), "{}: {link} does not exist", page.display());
            }
        }
    }
}
