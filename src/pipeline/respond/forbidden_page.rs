//! What a refused client reads: an HTTP response as the front ends of App Service give it.

use std::io::Write;
use std::net::IpAddr;

/// Bytes that any response fits in.
pub(super) const LONGEST: usize = 1_000;

/// A response in a buffer of its own.
#[derive(Debug)]
pub(super) struct Page {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Page {
    /// The response that tells `client` it is refused.
    pub(super) fn new(client: IpAddr, form: Form) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Error 403 - Forbidden</title></head>\n\
             <body>\n<h1>Error 403 - Forbidden</h1>\n<p>This web app has blocked your access.</p>\n\
             <p>None of its access restrictions lets {client} in.</p>\n</body>\n</html>\n"
        );
        let (length, shown) = match form {
            Form::Whole => (body.len(), body.as_str()),
            Form::Head => (body.len(), ""),
            Form::WithoutBody => (0, ""),
        };
        let mut page = Self { bytes: [0; LONGEST], length: 0 };
        let mut rest = page.bytes.as_mut_slice();
        // The buffer holds the longest client address (a test says so), so nothing is cut short.
        let _ = write!(
            rest,
            "HTTP/1.1 403 Ip Forbidden\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\
             x-ms-forbidden-ip: {client}\r\n\r\n{shown}"
        );
        let left = rest.len();
        page.length = LONGEST - left;
        page
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// How much of the response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Headers and page.
    Whole,
    /// Headers, with the length of the page that a GET would get (RFC 9110 9.3.2).
    Head,
    /// Headers alone, no page: for a client that takes only small segments.
    WithoutBody,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(client: &str, form: Form) -> String {
        String::from_utf8(Page::new(client.parse().unwrap(), form).bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_response_is_complete_and_its_length_exact() {
        let response = text("192.0.2.10", Form::Whole);
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        assert_eq!(lines.next(), Some("HTTP/1.1 403 Ip Forbidden"));
        let headers: Vec<_> = lines.collect();
        let length = format!("Content-Length: {}", body.len());
        assert_eq!(headers, ["Content-Type: text/html", &length, "Connection: close", "x-ms-forbidden-ip: 192.0.2.10"]);
        assert!(body.contains("<title>Error 403 - Forbidden</title>"));
        assert!(body.contains("web app has blocked your access"));
    }

    #[test]
    fn head_tells_the_length_of_the_page_and_leaves_it_out() {
        let (whole, head) = (text("192.0.2.10", Form::Whole), text("192.0.2.10", Form::Head));
        assert!(whole.starts_with(&head));
        assert!(head.ends_with("\r\n\r\n"));
    }

    #[test]
    fn without_a_body_the_length_is_zero_and_the_smallest_segment_takes_it() {
        let response = text("2001:db8:1111:2222:3333:4444:5555:6666", Form::WithoutBody);
        assert!(response.contains("\r\nContent-Length: 0\r\n") && response.ends_with("\r\n\r\n"));
        assert!(response.len() <= 536, "{} bytes", response.len());
    }

    #[test]
    fn the_longest_address_fits() {
        let response = text("2001:db8:1111:2222:3333:4444:5555:6666", Form::Whole);
        assert!(response.len() < LONGEST && response.ends_with("</html>\n"));
    }
}
