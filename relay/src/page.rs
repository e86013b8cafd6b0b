//! The page at `/`: what this is, who runs it, what it keeps and for how long. Plain HTML, the same for everybody.

use std::fmt::{self, Display, Write as _};

use lightproof_wire::reply::Policy;

use crate::serve::Service;

/// The page as it is now.
#[must_use]
pub(crate) fn page(service: &Service) -> String {
    let mut page = HEAD.to_owned();
    let limits = &service.limits;
    let who = match service.admission.policy {
        Policy::Open => "anybody",
        Policy::Access => "people whom its operator gave an access capability",
    };
    let rows: [(&str, &dyn Display); 9] = [
        ("run by", &or_unsaid(service.operator.as_str())),
        ("says", &or_unsaid(service.notice.as_str())),
        ("open to", &who),
        ("keeps an envelope", &Days(limits.envelope_days)),
        ("keeps a photo at most", &Days(limits.blob_days)),
        ("keeps a mailbox nobody watches", &Days(limits.mailbox_days)),
        ("envelopes in a mailbox", &limits.mailbox_envelopes),
        ("largest photo", &Mebibytes(limits.blob_bytes)),
        ("has room for more", &if service.room.is_there() { "yes" } else { "no: it serves what it has" }),
    ];
    for (what, value) in rows {
        let _infallible = writeln!(page, "<tr><th>{what}</th><td>{}</td></tr>", Escaped(&value.to_string()));
    }
    page.push_str(TAIL);
    page
}

fn or_unsaid(text: &str) -> &str {
    if text.is_empty() { "(not said)" } else { text }
}

struct Days(u16);

impl Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} days", self.0)
    }
}

struct Mebibytes(u64);

impl Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

/// Text that is no markup.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(c),
        })
    }
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>Lightproof relay</title>
<style>body{font:1rem/1.5 sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}th{text-align:left;padding-right:1rem;\
vertical-align:top;font-weight:normal;color:#555}</style></head><body>
<h1>Lightproof relay</h1>
<p>This machine stores and forwards sealed photos and notes. It cannot open them, and does not know who sends them or for whom
they are. It sees from which addresses people connect, when, and how much they send.</p>
<table>
";
const TAIL: &str = "</table>
<p>To use it, get the <code>lightproof</code> program, and this relay's link from whoever runs it.</p>
</body></html>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_says_is_no_markup() {
        assert_eq!(Escaped("<b>'A' & \"B\"</b>").to_string(), "&lt;b&gt;&#39;A&#39; &amp; &quot;B&quot;&lt;/b&gt;");
    }
}
