//! Pages for people and for the programs that play them: well-formed XML, and of use without
//! scripts.

/// Writes text so that it is text in HTML, in attributes too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML has no way to write most control characters.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns a page with this title and body, both of which are HTML.
pub(crate) fn page(title: &str, body: &str) -> String {
    // The icon is none, or browsers would ask for one.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <link rel=\"icon\" href=\"data:,\"/><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><p class=\"lab\">Silentry Lab</p>{body}</main></body></html>"
    )
}

/// Returns a page that posts these members elsewhere: at once with scripts, else with a button.
pub(crate) fn posting(target: &str, members: &[(&str, &str)]) -> String {
    let fields: String = members
        .iter()
        .map(|(name, value)| hidden(name, value))
        .collect();
    let body = format!(
        "<h1>Working...</h1><form name=\"hiddenform\" method=\"post\" action=\"{}\">{fields}\
         <button type=\"submit\">Continue</button></form>\
         <script>document.forms[0].submit();</script>",
        escape(target)
    );
    page("Working...", &body)
}

/// Returns a hidden field.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{}\" value=\"{}\"/>",
        escape(name),
        escape(value)
    )
}

/// A field that people fill in.
pub(crate) struct Field<'f> {
    pub(crate) id: &'f str,
    pub(crate) name: &'f str,
    pub(crate) kind: &'f str,
    pub(crate) label: &'f str,
    pub(crate) autocomplete: &'f str,
    pub(crate) value: &'f str,
}

impl Field<'_> {
    /// Returns the field with its label, and what was wrong with it before.
    pub(crate) fn html(&self, error_id: &str, error: Option<&str>) -> String {
        let Self {
            id,
            name,
            kind,
            label,
            autocomplete,
            value,
        } = self;
        let error = error.map_or_else(String::new, |error| {
            format!(
                "<p id=\"{error_id}\" class=\"error\" role=\"alert\">{}</p>",
                escape(error)
            )
        });
        format!(
            "{error}<label for=\"{id}\">{}</label><input id=\"{id}\" name=\"{name}\" \
             type=\"{kind}\" autocomplete=\"{autocomplete}\" value=\"{}\"/>",
            escape(label),
            escape(value)
        )
    }
}

const STYLE: &str = "body{font-family:sans-serif;background:#f2f2f2;margin:0}\
main{max-width:26em;margin:4em auto;padding:2em;background:#fff;box-shadow:0 2px 6px #0003}\
.lab{color:#555;margin:0}h1{font-size:1.4em}label{display:block;margin:1em 0 .3em}\
input{width:100%;padding:.5em;box-sizing:border-box;font-size:1em}\
button{margin:1em .5em 0 0;padding:.5em 1.5em;font-size:1em}.error{color:#a80000}\
.tile{display:block;width:100%;text-align:left}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_client_sends_stays_text() {
        let nasty = "\"'><script>alert(1)</script>&\u{0}\u{1b}";
        let page = posting(nasty, &[(nasty, nasty)]);
        let (_, document) = page.split_once('\n').unwrap();
        let document = roxmltree::Document::parse(document).unwrap();
        let scripts = document
            .descendants()
            .filter(|node| node.has_tag_name("script"));
        assert_eq!(scripts.count(), 1);
        let field = document
            .descendants()
            .find(|node| node.has_tag_name("input"))
            .unwrap();
        let expected = "\"'><script>alert(1)</script>&  ";
        assert_eq!(field.attribute("value"), Some(expected));
    }
}
