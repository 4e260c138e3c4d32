//! What a browser makes of a page: its forms, and what it complains about.

use roxmltree::{Document, Node};

/// A page that a [`Browser`](super::Browser) shows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// Where it came from, after all redirects.
    pub url: String,
    /// The HTTP status; 0 when there is no page at this URL.
    pub status: u16,
    /// The document.
    pub text: String,
    /// The forms on it, if it is one of the lab's.
    pub forms: Vec<Form>,
    pub(super) problem: Option<String>,
    ids: Vec<String>,
}

/// A form on a page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Form {
    /// Where it goes, as the page spells it.
    pub action: String,
    /// Whether it is sent with POST.
    pub posts: bool,
    /// What can be typed, and what is hidden.
    pub fields: Vec<Field>,
    /// What can be pressed.
    pub buttons: Vec<Field>,
}

/// A field or a button of a form.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Field {
    /// The name it is sent under.
    pub name: String,
    /// The id of the element.
    pub id: String,
    /// What it holds.
    pub value: String,
}

impl Page {
    /// Returns what the page complains about, where it does.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Returns whether the page has an element with this id.
    pub fn has_element(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }

    /// Returns a parameter of the page's URL, of its query or its fragment.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&self.url).ok()?;
        let parts = [url.query(), url.fragment()];
        parts
            .into_iter()
            .flatten()
            .flat_map(|part| url::form_urlencoded::parse(part.as_bytes()))
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Reads a page. Those of the lab are well-formed XML; any other is text without forms.
    pub(super) fn read(url: String, status: u16, text: String) -> Self {
        let xml = text.strip_prefix("<!DOCTYPE html>").unwrap_or_default();
        let document = Document::parse(xml.trim_start()).ok();
        let elements = || {
            let document = document.iter();
            document.flat_map(|document| document.descendants().filter(Node::is_element))
        };
        let problem = elements()
            .find(|node| node.attribute("role") == Some("alert"))
            .map(text_of);
        let ids = elements().filter_map(|node| node.attribute("id"));
        let ids = ids.map(str::to_owned).collect();
        let forms = elements().filter(|node| node.has_tag_name("form"));
        let forms = forms.map(Form::read).collect();
        Self {
            url,
            status,
            forms,
            problem,
            ids,
            text,
        }
    }
}

impl Form {
    fn read(form: Node<'_, '_>) -> Self {
        let all = |tag: &'static str| {
            let found = form
                .descendants()
                .filter(move |node| node.has_tag_name(tag));
            found.map(Field::read).collect()
        };
        let method = form.attribute("method").unwrap_or("get");
        Self {
            action: form.attribute("action").unwrap_or_default().to_owned(),
            posts: method.eq_ignore_ascii_case("post"),
            fields: all("input"),
            buttons: all("button"),
        }
    }
}

impl Field {
    fn read(node: Node<'_, '_>) -> Self {
        let attribute = |name| node.attribute(name).unwrap_or_default().to_owned();
        Self {
            name: attribute("name"),
            id: attribute("id"),
            value: attribute("value"),
        }
    }
}

fn text_of(node: Node<'_, '_>) -> String {
    let parts = node.descendants().filter_map(|node| node.text());
    parts.collect()
}
