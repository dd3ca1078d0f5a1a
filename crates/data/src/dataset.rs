//! Images and their classes, side by side.
//!
//! Everything lies in memory as two tensors whose leading axis counts the
//! examples. What is checked here, once, nobody downstream checks again: as
//! many labels as images, every label a class.
//!
//! **Cost.** A clone shares both tensors, one example or a run of them is a
//! view. Choosing examples by their indices copies them.

use std::fmt;

use tensor::{Element, Error, Result, Tensor};

/// Images `[N, C, H, W]` with a class each.
///
/// ```
/// use tensor::Tensor;
/// use wengert_data::Dataset;
///
/// let images = Tensor::rand([3, 1, 8, 8], &mut tensor::random::Generator::new(0))?;
/// let dataset = Dataset::new(images, Tensor::from([0, 1, 1]), 2)?;
/// assert_eq!(dataset.len(), 3);
/// assert_eq!(dataset.image_shape(), [1, 8, 8]);
/// assert_eq!(dataset.class_counts()?, [1, 2]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Dataset {
    images: Tensor,
    labels: Tensor<i64>,
    /// The axes of `images` behind the leading one.
    image_shape: [usize; 3],
    classes: usize,
}

impl Dataset {
    /// The examples `(images[i], labels[i])` of classes `0 … classes − 1`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless images are `[N, C, H, W]` and labels `[N]`;
    /// [`Error::Value`] for a label that is no class.
    pub fn new(images: Tensor, labels: Tensor<i64>, classes: usize) -> Result<Self> {
        const OP: &str = "dataset";
        let shapes = || format!("(images {:?}, labels {:?})", images.shape(), labels.shape());
        let &[count, channels, height, width] = images.shape() else {
            return Err(Error::shape(
                OP,
                format!("images must be [N, C, H, W] {}", shapes()),
            ));
        };
        let &[label_count] = labels.shape() else {
            return Err(Error::shape(OP, format!("labels must be [N] {}", shapes())));
        };
        if count != label_count {
            return Err(Error::shape(
                OP,
                format!("{count} images, but {label_count} labels {}", shapes()),
            ));
        }
        let is_class = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes);
        if let Some((i, label)) = labels.iter().enumerate().find(|&(_, &l)| !is_class(l)) {
            return Err(Error::value(
                OP,
                format!("label {label} of example {i} is out of range for {classes} classes"),
            ));
        }
        Ok(Self {
            images,
            labels,
            image_shape: [channels, height, width],
            classes,
        })
    }

    /// All images: `[N, C, H, W]`.
    #[must_use]
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// All labels: `[N]`.
    #[must_use]
    pub fn labels(&self) -> &Tensor<i64> {
        &self.labels
    }

    /// The number of classes that there could be.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one image: channels, height, width.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// How many examples there are of each class.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a number of classes that no memory can count.
    pub fn class_counts(&self) -> Result<Vec<usize>> {
        let mut counts = Vec::new();
        let room = counts.try_reserve_exact(self.classes);
        room.map_err(|_| Error::TooLarge {
            op: "class_counts",
            shape: vec![self.classes],
            element: "usize",
        })?;
        counts.resize(self.classes, 0);
        for class in self.class_indices() {
            counts[class] += 1;
        }
        Ok(counts)
    }

    /// The classes of the examples, as indices.
    pub(crate) fn class_indices(&self) -> impl Iterator<Item = usize> {
        // In range of `0..classes` by construction.
        self.labels.iter().map(|&label| label as usize)
    }

    /// Example `i`: its image `[C, H, W]` and its class; `None` if there are
    /// not that many.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<(Tensor, i64)> {
        let label = self.labels.get([i])?;
        let image = self.images.select(0, i as isize).ok()?;
        Some((image, label))
    }

    /// The examples of these indices, in this order. An index may come twice.
    ///
    /// ```
    /// # use tensor::Tensor;
    /// # use wengert_data::Dataset;
    /// # let images = Tensor::zeros([3, 1, 2, 2])?;
    /// let dataset = Dataset::new(images, Tensor::from([0, 1, 2]), 3)?;
    /// assert_eq!(dataset.subset(&[2, 0, 2])?.labels().to_vec(), [2, 0, 2]);
    /// assert!(dataset.subset(&[3]).is_err());
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for an index that is out of range, [`Error::TooLarge`].
    pub fn subset(&self, indices: &[usize]) -> Result<Self> {
        check_indices("subset", indices, self.len())?;
        let (images, labels) = self.gather("subset", indices)?;
        Self::new(images, labels, self.classes)
    }

    /// The images and labels of indices that were checked.
    pub(crate) fn gather(
        &self,
        op: &'static str,
        indices: &[usize],
    ) -> Result<(Tensor, Tensor<i64>)> {
        Ok((
            gather_rows(op, &self.images, indices)?,
            gather_rows(op, &self.labels, indices)?,
        ))
    }

    /// The images and labels of a run of examples: views.
    pub(crate) fn run(&self, start: usize, len: usize) -> Result<(Tensor, Tensor<i64>)> {
        Ok((
            self.images.narrow(0, start as isize, len)?,
            self.labels.narrow(0, start as isize, len)?,
        ))
    }
}

impl fmt::Debug for Dataset {
    /// Shapes and no pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("images", &self.images.shape())
            .field("labels", &self.labels.shape())
            .field("classes", &self.classes)
            .finish()
    }
}

/// That every index names one of `len` examples.
pub(crate) fn check_indices(op: &'static str, indices: &[usize], len: usize) -> Result<()> {
    match indices.iter().find(|&&i| i >= len) {
        None => Ok(()),
        Some(i) => Err(Error::value(
            op,
            format!("index {i} is out of range for {len} examples"),
        )),
    }
}

/// The rows of the leading axis that `indices` name, which must be in range.
fn gather_rows<T: Element>(
    op: &'static str,
    source: &Tensor<T>,
    indices: &[usize],
) -> Result<Tensor<T>> {
    let mut shape = source.shape().to_vec();
    shape[0] = indices.len();
    // Checked here so that the error speaks of the caller's operation.
    tensor::shape::numel::<T>(op, &shape)?;
    let mut rows = Tensor::zeros(&shape)?;
    let row = shape[1..].iter().product::<usize>();
    if row > 0 {
        let targets = rows.as_mut_slice().chunks_exact_mut(row);
        for (target, &i) in targets.zip(indices) {
            target.copy_from_slice(&source.as_slice()[i * row..(i + 1) * row]);
        }
    }
    Ok(rows)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One image of two pixels for each label; pixel values tell the index.
    pub(crate) fn numbered(labels: &[i64], classes: usize) -> Dataset {
        let images = Tensor::from_fn([labels.len(), 1, 1, 2], |i| (10 * i[0] + i[3]) as f32);
        Dataset::new(images.unwrap(), Tensor::from(labels.to_vec()), classes).unwrap()
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let images = Tensor::zeros([2, 1, 3, 4]).unwrap();
        let message = |images: &Tensor, labels: Tensor<i64>| {
            Dataset::new(images.clone(), labels, 3)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(&images, Tensor::from([0, 1, 2])),
            "dataset: 2 images, but 3 labels (images [2, 1, 3, 4], labels [3])"
        );
        assert_eq!(
            message(&images, Tensor::from([[0], [1]])),
            "dataset: labels must be [N] (images [2, 1, 3, 4], labels [2, 1])"
        );
        assert_eq!(
            message(&Tensor::zeros([2, 3]).unwrap(), Tensor::from([0, 1])),
            "dataset: images must be [N, C, H, W] (images [2, 3], labels [2])"
        );
        assert_eq!(
            message(&images, Tensor::from([2, 3])),
            "dataset: label 3 of example 1 is out of range for 3 classes"
        );
        assert_eq!(
            message(&images, Tensor::from([-1, 0])),
            "dataset: label -1 of example 0 is out of range for 3 classes"
        );
    }

    #[test]
    fn examples_come_by_index() {
        let dataset = numbered(&[2, 0, 1], 3);
        let (image, label) = dataset.get(1).unwrap();
        assert_eq!(image, Tensor::from([[[10.0, 11.0]]]));
        assert_eq!(label, 0);
        assert!(dataset.get(3).is_none());
        assert!(dataset.get(usize::MAX).is_none());
        assert_eq!(
            format!("{dataset:?}"),
            "Dataset { images: [3, 1, 1, 2], labels: [3], classes: 3 }"
        );
    }

    #[test]
    fn subsets_keep_images_with_their_labels() {
        let subset = numbered(&[2, 0, 1], 3).subset(&[2, 2, 0]).unwrap();
        assert_eq!(
            subset.images(),
            &Tensor::from([[[[20.0, 21.0]]], [[[20.0, 21.0]]], [[[0.0, 1.0]]]])
        );
        assert_eq!(subset.labels().to_vec(), [1, 1, 2]);
        assert_eq!(subset.class_counts().unwrap(), [0, 2, 1]);
        let error = subset.subset(&[0, 3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "subset: index 3 is out of range for 3 examples"
        );
    }

    #[test]
    fn nothing_is_a_dataset_too() {
        let none = numbered(&[0, 1], 2).subset(&[]).unwrap();
        assert!(none.is_empty());
        assert_eq!(none.images().shape(), [0, 1, 1, 2]);
        assert_eq!(none.class_counts().unwrap(), [0, 0]);
        // Images without pixels are legal, and still have labels.
        let images = Tensor::zeros([2, 1, 0, 4]).unwrap();
        let flat = Dataset::new(images, Tensor::from([0, 1]), 2).unwrap();
        assert_eq!(flat.get(1).unwrap().0.shape(), [1, 0, 4]);
        assert_eq!(flat.subset(&[1]).unwrap().labels().to_vec(), [1]);
    }
}
