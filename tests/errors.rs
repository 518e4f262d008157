//! docs/errors.md lists every error code of the client, with its true `retryable`. Never checks wording.

use lastword::error::Error;

#[test]
fn every_error_is_documented() {
    let text = |text: &str| text.to_owned();
    let errors = [
        Error::Config { message: text("") },
        Error::UnknownEntity { entity: text("") },
        Error::NotFound { entity: text(""), id: text("") },
        Error::Invalid { fields: Vec::new() },
        Error::Network,
        Error::Timeout { after_ms: 0 },
        Error::Backend { status: 500, message: text(""), retry_after_ms: None },
        Error::BadResponse { reason: text("") },
        Error::AuthNeeded,
        Error::Forbidden { scope: text("") },
        Error::NoEndpoint { scope: text(""), status: 404 },
        Error::UpgradeRequired,
        Error::QuotaExceeded,
        Error::Store { name: text(""), message: text("") },
        Error::StoreClosed,
        Error::AccountMismatch,
        Error::Fenced,
        Error::Stopped,
    ];
    let documented: Vec<(String, bool)> = rows(include_str!("../docs/errors.md"), "| code | retryable |");
    let known: Vec<(String, bool)> = errors.iter().map(|error| (text(error.code()), error.retryable())).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_reason_of_a_failed_record_is_documented() {
    let documented: Vec<String> =
        rows(include_str!("../docs/errors.md"), "| code | tried again |").into_iter().map(|(code, _)| code).collect();
    let sources = [
        include_str!("../src/outgoing/ack.rs"),
        include_str!("../src/outgoing/encode.rs"),
        include_str!("../src/outgoing/outbox.rs"),
        include_str!("../src/engine/push.rs"),
    ];
    for code in &documented {
        let quoted = format!("\"{code}\"");
        assert!(sources.iter().any(|source| source.contains(&quoted)), "no failure has the code {code}");
    }
}

#[test]
fn every_code_has_the_place_that_help_names() {
    let page = include_str!("../docs/errors.md");
    for (head, prefix) in
        [("| code | retryable |", ""), ("| code of the page |", ""), ("| code | tried again |", "failed-")]
    {
        let codes = rows(page, head);
        assert!(!codes.is_empty());
        for (code, _) in codes {
            assert_eq!(page.matches(&format!("<a id=\"{prefix}{code}\"></a>")).count(), 1, "{code}");
        }
    }
}

/// First and second cell of each row of the table that begins with `head`.
fn rows(page: &str, head: &str) -> Vec<(String, bool)> {
    page.lines()
        .skip_while(|line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), cells[2] == "yes")
        })
        .collect()
}
