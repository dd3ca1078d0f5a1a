//! Arguments that are no tensors, in the types that the library takes.

use wengert::Float;

use super::call::{Call, Stop};
use super::value::Arg;

impl<T: Float> Call<T> {
    /// A number, or none.
    pub(crate) fn number_or_none(&self, name: &str) -> Result<Option<f64>, Stop> {
        match self.get(name) {
            None => Ok(None),
            Some(Arg::Int(x)) => Ok(Some(*x as f64)),
            Some(Arg::Float(x)) => Ok(Some(*x)),
            Some(other) => self.refuse(name, other, "a number"),
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str, default: f64) -> Result<f64, Stop> {
        Ok(self.number_or_none(name)?.unwrap_or(default))
    }

    /// An integer, or none.
    pub(crate) fn int_or_none(&self, name: &str) -> Result<Option<i64>, Stop> {
        match self.get(name) {
            None => Ok(None),
            Some(Arg::Int(x)) => Ok(Some(*x)),
            Some(other) => self.refuse(name, other, "an integer"),
        }
    }

    /// A number of things.
    pub(crate) fn size(&self, name: &str) -> Result<usize, Stop> {
        let found = self.require(name)?;
        as_size(found).map_or_else(|| self.refuse(name, found, "a size"), Ok)
    }

    /// A number of things, with a default.
    pub(crate) fn size_or(&self, name: &str, default: usize) -> Result<usize, Stop> {
        self.get(name).map_or(Ok(default), |_| self.size(name))
    }

    /// An axis or index.
    pub(crate) fn axis(&self, name: &str) -> Result<isize, Stop> {
        let found = self.require(name)?;
        as_isize(found).map_or_else(|| self.refuse(name, found, "an axis"), Ok)
    }

    /// An axis or index, with a default.
    pub(crate) fn axis_or(&self, name: &str, default: isize) -> Result<isize, Stop> {
        self.get(name).map_or(Ok(default), |_| self.axis(name))
    }

    /// An axis, or none.
    pub(crate) fn axis_or_none(&self, name: &str) -> Result<Option<isize>, Stop> {
        self.get(name).map(|_| self.axis(name)).transpose()
    }

    /// Axes or other signed numbers, one or a list; none if there is no such
    /// argument.
    pub(crate) fn axes_or_none(&self, name: &str) -> Result<Option<Vec<isize>>, Stop> {
        let Some(found) = self.get(name) else {
            return Ok(None);
        };
        let axes = match found {
            Arg::List(items) => items.iter().map(as_isize).collect(),
            one => as_isize(one).map(|axis| vec![axis]),
        };
        axes.map_or_else(|| self.refuse(name, found, "axes"), |axes| Ok(Some(axes)))
    }

    /// Axes or other signed numbers, one or a list.
    pub(crate) fn axes(&self, name: &str) -> Result<Vec<isize>, Stop> {
        self.require(name)?;
        Ok(self.axes_or_none(name)?.unwrap_or_default())
    }

    /// A size for each spatial axis: one number or two.
    pub(crate) fn pair(&self, name: &str) -> Result<[usize; 2], Stop> {
        let found = self.require(name)?;
        let pair = match found {
            Arg::List(items) => match items.as_slice() {
                [both] => as_size(both).map(|n| [n, n]),
                [height, width] => as_size(height).zip(as_size(width)).map(<[usize; 2]>::from),
                _ => None,
            },
            both => as_size(both).map(|n| [n, n]),
        };
        pair.map_or_else(|| self.refuse(name, found, "a pair of sizes"), Ok)
    }

    /// A size for each spatial axis, with a default.
    pub(crate) fn pair_or(&self, name: &str, default: [usize; 2]) -> Result<[usize; 2], Stop> {
        match self.get(name) {
            None => Ok(default),
            // Of a stride, no numbers mean the default.
            Some(Arg::List(items)) if items.is_empty() => Ok(default),
            Some(_) => self.pair(name),
        }
    }

    /// Sizes, one or a list.
    pub(crate) fn sizes(&self, name: &str) -> Result<Vec<usize>, Stop> {
        self.list(name, as_size, "sizes")
    }

    /// Numbers, one or a list.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f64>, Stop> {
        let number = |arg: &Arg<T>| match arg {
            Arg::Int(x) => Some(*x as f64),
            Arg::Float(x) => Some(*x),
            _ => None,
        };
        self.list(name, number, "numbers")
    }

    fn list<R>(
        &self,
        name: &str,
        read: impl Fn(&Arg<T>) -> Option<R>,
        needs: &str,
    ) -> Result<Vec<R>, Stop> {
        let found = self.require(name)?;
        let list = match found {
            Arg::List(items) => items.iter().map(read).collect(),
            one => read(one).map(|one| vec![one]),
        };
        list.map_or_else(|| self.refuse(name, found, needs), Ok)
    }

    /// A truth value.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Stop> {
        match self.get(name) {
            None => Ok(default),
            Some(Arg::Bool(truth)) => Ok(*truth),
            Some(other) => self.refuse(name, other, "a truth value"),
        }
    }

    /// A string.
    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Stop> {
        match self.get(name) {
            None => Ok(default),
            Some(Arg::Text(text)) => Ok(text),
            Some(other) => self.refuse(name, other, "a string"),
        }
    }

    /// Marks an argument that has this one value in all that the library can
    /// say.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] if it has another.
    pub(crate) fn only(&self, name: &str, value: &Arg<T>) -> Result<(), Stop> {
        match self.get(name) {
            Some(other) if !other.same_plain(value) => self.refuse(name, other, &value.describe()),
            _ => Ok(()),
        }
    }
}

fn as_size<T: Float>(arg: &Arg<T>) -> Option<usize> {
    match arg {
        Arg::Int(x) => usize::try_from(*x).ok(),
        _ => None,
    }
}

fn as_isize<T: Float>(arg: &Arg<T>) -> Option<isize> {
    match arg {
        Arg::Int(x) => isize::try_from(*x).ok(),
        _ => None,
    }
}
