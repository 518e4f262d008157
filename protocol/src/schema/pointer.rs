//! JSON Pointers (RFC 6901): where a check stands in a record, and where a keyword stands in a schema. Reads no value.

/// Where a value or a keyword stands, as a list that lives on the stack: it costs nothing until an error is written.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    segment: Segment<'a>,
    /// Steps from the start.
    pub(super) depth: usize,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Start(&'a str),
    Key(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    /// The place that `pointer` names.
    pub(super) fn start(pointer: &'a str) -> Self {
        Place { parent: None, segment: Segment::Start(pointer), depth: 0 }
    }

    pub(super) fn key(&'a self, key: &'a str) -> Place<'a> {
        Place { parent: Some(self), segment: Segment::Key(key), depth: self.depth + 1 }
    }

    pub(super) fn item(&'a self, index: usize) -> Place<'a> {
        Place { parent: Some(self), segment: Segment::Item(index), depth: self.depth + 1 }
    }

    /// The pointer to this place, or to the nearest one around it whose pointer is not over [`POINTER_BYTES_MAX`].
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }

    /// False when there was no room for the whole pointer.
    fn write(&self, pointer: &mut String) -> bool {
        if self.parent.is_some_and(|parent| !parent.write(pointer)) {
            return false;
        }
        let around = pointer.len();
        match self.segment {
            Segment::Start(start) => pointer.push_str(start),
            Segment::Key(key) => push(pointer, key),
            Segment::Item(index) => push(pointer, &index.to_string()),
        }
        let fits = pointer.len() <= POINTER_BYTES_MAX;
        if !fits {
            pointer.truncate(around);
        }
        fits
    }
}

fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Longest pointer of an error, in bytes: a record's keys may be long.
const POINTER_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped_and_cut_at_a_whole_segment() {
        let record = Place::start("");
        let sets = record.key("a/b~c");
        let set = sets.item(3);
        assert_eq!(record.pointer(), "");
        assert_eq!(set.pointer(), "/a~1b~0c/3");
        assert_eq!(Place::start("/$defs/a~1b").key("type").pointer(), "/$defs/a~1b/type");
        let long = "x".repeat(POINTER_BYTES_MAX);
        let lost = set.key(&long);
        assert_eq!(lost.pointer(), "/a~1b~0c/3");
        assert_eq!(lost.key("y").pointer(), "/a~1b~0c/3");
    }
}
