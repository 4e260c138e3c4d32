//! Where tags begin and end in XML text, without building a tree.
//!
//! Two things need it. Limits are checked before the tree parser runs, because its cost is not
//! linear in hostile input (every element that declares a namespace copies those in scope). And an
//! assertion's own start tag is read here, because the tree does not say whether a namespace was
//! declared on an element or further out.
//!
//! The lexer trusts nothing: at the first thing that is not well formed it stops. The tree parser
//! stops there too, so what the limits did not see is never built.

/// A tag, in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag<'a> {
    /// A start tag; `empty` when it closes itself.
    Start {
        name: &'a str,
        attributes: &'a str,
        empty: bool,
    },
    /// An end tag.
    End,
}

/// The tags of a text; comments, processing instructions and CDATA sections are passed over.
#[derive(Debug, Clone)]
pub(crate) struct Tags<'a> {
    rest: &'a str,
}

/// Returns the tags of `text`.
pub(crate) fn tags(text: &str) -> Tags<'_> {
    Tags { rest: text }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let markup = &self.rest[self.rest.find('<')?..];
            if let Some(comment) = markup.strip_prefix("<!--") {
                self.rest = after(comment, "-->")?;
            } else if let Some(cdata) = markup.strip_prefix("<![CDATA[") {
                self.rest = after(cdata, "]]>")?;
            } else if let Some(instruction) = markup.strip_prefix("<?") {
                self.rest = after(instruction, "?>")?;
            } else if markup.starts_with("<!") {
                // A DOCTYPE, which is refused, or something that no XML parser accepts.
                self.rest = "";
            } else if let Some(end) = markup.strip_prefix("</") {
                self.rest = after(end, ">")?;
                return Some(Tag::End);
            } else {
                return self.start_tag(&markup[1..]);
            }
        }
    }
}

impl<'a> Tags<'a> {
    fn start_tag(&mut self, tag: &'a str) -> Option<Tag<'a>> {
        let close = closing_bracket(tag)?;
        self.rest = &tag[close + 1..];
        let inside = &tag[..close];
        let (inside, empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name_end = inside.find(is_space).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(name_end);
        Some(Tag::Start {
            name,
            attributes,
            empty,
        })
    }
}

/// Returns the attributes of a start tag as (qualified name, value as written).
pub(crate) fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, after_name) = rest.trim_start_matches(is_space).split_once('=')?;
        let value = after_name.trim_start_matches(is_space);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after_value) = value[1..].split_once(quote)?;
        rest = after_value;
        Some((name.trim_end_matches(is_space), value))
    })
}

/// Returns the prefix of a qualified name, empty when it has none.
pub(crate) fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// Returns the prefix that an attribute of this name declares: empty for the default namespace.
pub(crate) fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" {
        Some("")
    } else {
        name.strip_prefix("xmlns:")
    }
}

/// Returns the white space of XML 1.0 section 2.3, which is narrower than Unicode's.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, rest)| rest)
}

/// Finds the `>` that ends a start tag; one inside a quoted attribute value does not.
fn closing_bracket(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|byte| match quote {
        Some(open) => {
            if byte == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(byte, b'"' | b'\'') {
                quote = Some(byte);
            }
            byte == b'>'
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        tags(text)
            .filter_map(|tag| match tag {
                Tag::Start { name, .. } => Some(name),
                Tag::End => None,
            })
            .collect()
    }

    #[test]
    fn what_looks_like_a_tag_elsewhere_is_not_one() {
        let text = "<?xml version='1.0'?><!-- <no/> --><a b='>' c=\"/>'\"><![CDATA[<no>]]><?p <no>?><p:b/></a>";
        assert_eq!(names(text), ["a", "p:b"]);
    }

    #[test]
    fn attributes_may_be_spaced_and_quoted_either_way() {
        let tag = tags("<a\n x = 'one\"' y=\"it's\"\t/>").next();
        let Some(Tag::Start {
            attributes: text,
            empty: true,
            ..
        }) = tag
        else {
            panic!("an empty element: {tag:?}");
        };
        let found: Vec<_> = attributes(text).collect();
        assert_eq!(found, [("x", "one\""), ("y", "it's")]);
    }

    #[test]
    fn ends_where_the_text_stops_being_xml() {
        for text in [
            "<a><b",
            "<a><!-- ",
            "<a><![CDATA[",
            "<a><!ELEMENT b><c/>",
            "<a><?p",
        ] {
            assert_eq!(names(text), ["a"], "{text}");
        }
    }
}
