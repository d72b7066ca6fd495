//! Values that would do harm, and what is said about them.

use proptest::prelude::*;

use super::super::scan::{Token, tokens};
use super::*;

/// The problems of the site that `json` is.
fn problems(json: serde_json::Value) -> Vec<crate::diagnostic::Problem> {
    let site: Site = serde_json::from_value(json).unwrap();
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    match site.validate("example.com", now) {
        Ok(()) => Vec::new(),
        Err(invalid) => invalid.problems,
    }
}

/// Every problem is about `field` and there is one.
fn refused(field: &str, json: serde_json::Value) {
    let shown = json.to_string();
    let problems = problems(json);
    assert!(!problems.is_empty(), "{shown} was taken");
    for problem in problems {
        assert_eq!(problem.field, field, "{shown}: {}", problem.message);
        assert!(!problem.message.contains('\n'), "{shown}");
    }
}

/// A text setting (or each of a list), the type it needs, values that are fine and values that are not.
struct Row {
    field: &'static str,
    list: bool,
    with: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

/// What no setting takes.
const NEVER: &[&str] = &[
    "",
    "\0",
    "a\nb",
    "a\r\nb",
    "$host",
    "${host}",
    "a;b",
    "a{b",
    "a}b",
    "\"",
    "'",
    "\\",
    "`id`",
    "$(id)",
    "../../etc/passwd",
    "\u{202e}",
    "\u{7f}",
    " ",
];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { field: "alias", list: true, with: "static", good: &["a.example.org", "*.example.org", "münchen.de"], bad: &["localhost", "аpple.com", "1.2.3.4", "a_b.com", "*"] },
    Row { field: "canonical", list: false, with: "static", good: &["example.com", "WWW.example.com"], bad: &["example.org", "*.example.com"] },
    Row { field: "root", list: false, with: "static", good: &["public", "app/public", "a.b-c_d"], bad: &["/etc", ".", "..", "a/../b", "a//b", ".git", "-x", "logs", "tmp/x", "sessions", "a b", "ä"] },
    Row { field: "index", list: true, with: "static", good: &["index.html", "home.htm"], bad: &["/index.html", ".hidden", "-x", "a/b", "a b"] },
    Row { field: "error_page", list: true, with: "static", good: &["404=/404.html", "500,502=/a b;c{d}.html"], bad: &["404", "200=/x", "499=/x", "600=/x", "404=x", "404=/../x", "404=/a$b", "=/x", "404=/x.php", "404=/a?b", "404=/x%0a", "404=/%24host", "0404=/x"] },
    Row { field: "cache", list: false, with: "static", good: &["30d", "3600", "1y"], bad: &["0", "-1d", "30 d", "30x", "11y", "99999999999999999999d", "1.5h"] },
    Row { field: "header", list: true, with: "static", good: &["X-A: b", "X-A:b", "X-A: \"b\" ; {c} \\ '"], bad: &["X-A", "X A: b", ": b", "X-A:", "X-A: $host", "X-A: a\r\nSet-Cookie: b", "X-A: ä", "Content-Length: 1", "strict-transport-security: x"] },
    Row { field: "redirect", list: false, with: "static", good: &["https://example.org", "http://example.org:8080/a?b=c#d", "https://[2001:db8::1]/", "https://192.0.2.1"], bad: &["example.org", "ftp://example.org", "//example.org", "https://", "https://example.com", "https://www.example.com/x", "https://a@b.com", "https://example.org/$host", "https://example.org/a b", "https://example.org/\"", "https://example.org/%zz", "https://example.org:0", "https://example.org:99999", "https://exa mple.org", "javascript:alert(1)", "https://example.org/ä"] },
    Row { field: "redirect_path", list: true, with: "static", good: &["/old=/new", "/a b=/c,308", "/caf%C3%A9=https://example.org/"], bad: &["/old", "/old=", "old=/new", "/old=new", "/old=/old", "/old=//evil.example", "/old=/new,200", "/a$b=/c", "/a?b=/c", "/a=/$host", "/a=/b c", "/a\"=/b\"", "/../a=/b", "/%2e%2e/a=/b", "/a%00=/b", "/a=javascript:x"] },
    Row { field: "max_body", list: false, with: "static", good: &["64M", "1g", "1024"], bad: &["0", "64MB", "64 M", "-1", "101G", "1T", "M", "1e9"] },
    Row { field: "allow", list: true, with: "static", good: &["192.0.2.7", "192.0.2.0/24", "2001:db8::/32"], bad: &["192.0.2.7/24", "192.0.2.0/33", "all", "example.com", "unix:"] },
    Row { field: "deny", list: true, with: "static", good: &["::1"], bad: &["all", "1.2.3"] },
    Row { field: "rate_limit", list: false, with: "static", good: &["10r/s", "30r/m,burst=5"], bad: &["10", "10r/h", "0r/s", "r/s", "10r/s,burst=0", "10r/s,burst", "10r/s,nodelay", "1000000r/s"] },
    Row { field: "upstream_host", list: false, with: "proxy", good: &["backend.example.net", "app:8080", "localhost"], bad: &["10.0.0.1", "[::1]", "a b", "a/b", "a:99999", "-a"] },
    Row { field: "proxy_timeout", list: false, with: "proxy", good: &["5m"], bad: &["0", "2d", "x"] },
    Row { field: "php", list: false, with: "php", good: &["8.2"], bad: &["8", "8.2.1", "08.2", "8.2-fpm", "latest", "8.2/../../x"] },
    Row { field: "php_memory", list: false, with: "php", good: &["256M"], bad: &["-1", "65G", "x"] },
    Row { field: "php_upload", list: false, with: "php", good: &["64M", "1M"], bad: &["65M", "0"] },
    Row { field: "php_timeout", list: false, with: "php", good: &["60", "2m"], bad: &["0", "2d"] },
    Row { field: "php_ini", list: true, with: "php", good: &["max_input_vars=5000", "date.timezone=Asia/Jakarta", "disable_functions=exec,system", "display_errors=Off"], bad: &["open_basedir=/", "auto_prepend_file=/etc/passwd", "extension=x.so", "memory_limit=1G", "sendmail_path=/bin/sh", "max_input_vars=1;x", "max_input_vars", "date.timezone=\"x", "date.timezone=${PATH}", "display_errors=maybe", "session.name=a]b", "error_reporting=E_ALL"] },
    Row { field: "php_deny", list: true, with: "php", good: &["/uploads", "/wp-content/uploads/"], bad: &["uploads", "/../x", "/a$", "/a?b"] },
    Row { field: "hsts", list: false, with: "tls", good: &["off", "180d", "31536000,subdomains,preload"], bad: &["on", "0", "1d,preload", "1y,preload", "1y,includeSubDomains", "11y"] },
    Row { field: "health_path", list: false, with: "static", good: &["/", "/status?a=b", "/a%20b"], bad: &["status", "/a b", "/ä", "/\"", "/#a"] },
    Row { field: "health_status", list: false, with: "static", good: &["200", "200-399"], bad: &["99", "600", "300-200", "200-", "2xx", "0200"] },
    Row { field: "upstream", list: true, with: "proxy-less", good: &["127.0.0.1:80", "localhost:3000,weight=2", "https://a.example.net", "http://[::1]:8080/", "unix:/run/a.sock"], bad: &["app:80", "127.0.0.1", "localhost", ":80", "a:0", "a:99999", "ftp://a.b:1", "http://a.b/path", "a.b:80,weight=0", "a.b:80,down", "a.b:80 backup", "a.b:80;", "unix:a", "unix:/a b", "unix:/../a", "unix:/a;b", "https://127.0.0.1", "$x:80", "a_b:80", "user@a.b:80"] },
];

fn base(with: &str) -> serde_json::Value {
    match with {
        "php" => serde_json::json!({"type": "php"}),
        "proxy" => serde_json::json!({"upstream": ["127.0.0.1:3000"]}),
        "proxy-less" => serde_json::json!({"type": "proxy"}),
        "tls" => {
            let site = site_with(
                &["--tls-certificate", "chain.pem", "--tls-key", "key.pem"],
                &mut full_edge(),
            );
            serde_json::to_value(site.unwrap()).unwrap()
        }
        _ => serde_json::json!({}),
    }
}

#[test]
fn every_setting_takes_what_is_fine_and_refuses_what_is_not() {
    for row in ROWS {
        let json = |text: &str| {
            let mut json = base(row.with);
            json[row.field] = if row.list {
                serde_json::json!([text])
            } else {
                serde_json::json!(text)
            };
            json
        };
        for good in row.good {
            let problems = problems(json(good));
            assert!(problems.is_empty(), "{} {good:?}: {problems:?}", row.field);
        }
        for bad in row.bad.iter().chain(NEVER) {
            refused(row.field, json(bad));
        }
    }
}

#[test]
fn every_text_setting_has_a_row() {
    let command = Site::augment_args(Command::new("add-site"));
    let without = [
        "type",
        "auth_user",
        "auth_password_file",
        "redirect_code",
        "php_children",
        "log_days",
        "tls_certificate_file",
        "tls_key_file",
        "snippet_file",
        // It reaches no configuration, only a quoted word of a script.
        "health_text",
    ];
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let takes_text = argument.get_action().takes_values()
            && argument.get_num_args().is_none_or(|n| n.takes_values());
        if takes_text && !without.contains(&id) {
            assert!(ROWS.iter().any(|row| row.field == id), "`{id}` has no row");
        }
    }
}

#[test]
fn a_text_to_look_for_is_any_line() {
    for text in ["</html>", "it's $HOME `id` \"ä\" \\", " "] {
        assert!(problems(serde_json::json!({ "health_text": text })).is_empty());
    }
    for text in ["", "a\nb", "\0", "a\u{7f}b", &"x".repeat(1025)] {
        refused("health_text", serde_json::json!({ "health_text": text }));
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let fields: Vec<String> = problems(serde_json::json!({
        "alias": ["a b", "x.example.org", "-"],
        "root": "/",
        "max_body": "lots",
        "log_days": 0,
        "redirect_code": 303,
        "php": "8.2",
        "type": "static",
        "hsts": "1y",
    }))
    .into_iter()
    .map(|problem| problem.field)
    .collect();
    for field in [
        "alias",
        "root",
        "max_body",
        "log_days",
        "redirect_code",
        "php",
        "hsts",
    ] {
        assert!(fields.iter().any(|f| f == field), "{field} in {fields:?}");
    }
    assert_eq!(fields.iter().filter(|f| *f == "alias").count(), 2);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    refused("upstream", serde_json::json!({"type": "proxy"}));
    refused(
        "upstream",
        serde_json::json!({"upstream": ["a.b:1", "https://c.d"]}),
    );
    refused(
        "upstream",
        serde_json::json!({"upstream": ["https://a.b", "https://c.d"]}),
    );
    refused(
        "upstream",
        serde_json::json!({"upstream": ["a.b:1", "a.b:1,weight=2"]}),
    );
    refused("websocket", serde_json::json!({"websocket": true}));
    refused(
        "cache",
        serde_json::json!({"upstream": ["a.b:1"], "cache": "1d"}),
    );
    refused("php_memory", serde_json::json!({"php_memory": "1G"}));
    refused("redirect_code", serde_json::json!({"redirect_code": 302}));
    refused(
        "redirect_path",
        serde_json::json!({"redirect_path": ["/a=/b", "/a=/c"]}),
    );
    refused(
        "redirect_path",
        serde_json::json!({"redirect_path": ["/a=/b"], "error_page": ["404=/a"]}),
    );
    refused(
        "error_page",
        serde_json::json!({"error_page": ["404=/a", "404=/b"]}),
    );
    refused("force_https", serde_json::json!({"force_https": true}));
    refused(
        "php_ini",
        serde_json::json!({"type": "php", "php_ini": ["precision=1", "precision=2"]}),
    );
    refused(
        "redirect",
        serde_json::json!({"alias": ["*.example.org"], "redirect": "https://a.example.org"}),
    );
    refused("log_days", serde_json::json!({"log_days": 4000}));
    refused(
        "php_children",
        serde_json::json!({"type": "php", "php_children": 0}),
    );
    let user = |name: &str| serde_json::json!({"user": name, "password": "sec_1"});
    refused(
        "auth_user",
        serde_json::json!({"auth": [user("a"), user("a")]}),
    );
    refused("auth_user", serde_json::json!({"auth": [user("a:b")]}));
    refused("auth_user", serde_json::json!({"auth": [user("a\nb")]}));
}

#[test]
fn what_is_outside_is_refused_with_its_flag() {
    let field = |arguments: &[&str], files: Vec<(&'static str, String)>| {
        let mut edge = TestEdge {
            files,
            ..TestEdge::default()
        };
        let invalid = site_with(arguments, &mut edge).unwrap_err();
        invalid.problems[0].clone()
    };
    let missing = field(&["--snippet", "nowhere"], Vec::new());
    assert_eq!(
        (missing.field.as_str(), missing.message.as_str()),
        ("snippet", "no such file")
    );
    let snippet = field(
        &["--snippet", "s"],
        vec![("s", "expires 1d;\n}\nserver {\n".to_owned())],
    );
    assert_eq!(
        snippet.message,
        "line 2: `}` closes a block that the snippet did not open"
    );
    let nul = field(&["--snippet", "s"], vec![("s", "expires 1d;\0".to_owned())]);
    assert!(nul.message.contains("U+0000"));
    let lines = field(
        &["--auth-user", "a,b", "--auth-password-file", "p"],
        vec![("p", "one\n".to_owned())],
    );
    assert_eq!(lines.message, "1 line for 2 users");
    let empty = field(
        &["--auth-user", "a", "--auth-password-file", "p"],
        vec![("p", "\n".to_owned())],
    );
    assert!(empty.message.contains("1 to 256 bytes"));
    let twice = field(&["--auth-user", "a,a"], Vec::new());
    assert_eq!(twice.message, "`a` is given twice");
}

/// The values of a directive in the site's nginx file, as nginx reads them.
fn read_back(site: &Site, directive: &str) -> Vec<Vec<String>> {
    let server = Server::new("sg-1".parse().unwrap(), "192.0.2.1");
    let input = Compile {
        name: "example.com",
        suspended: false,
        server: &server,
        facts: None,
        secrets: &NoSecrets,
        generation: 1,
        placements: &[],
        fleet: Fleet::EMPTY,
    };
    let items = site.items(&input).unwrap();
    let text = items
        .iter()
        .find_map(|item| match item {
            Item::File(file) if file.path.ends_with("fleet-example.com.conf") => {
                match &file.content {
                    Content::Text(text) => Some(text.as_str()),
                    Content::Secret(_) | Content::Login(..) => None,
                }
            }
            _ => None,
        })
        .unwrap();
    super::super::scan::check_snippet(text).unwrap();
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for token in tokens(text).unwrap() {
        if let Token::Word(word) = token {
            words.push(word);
            continue;
        }
        if words.first().is_some_and(|word| word == directive) {
            found.push(words.split_off(1));
        }
        words.clear();
    }
    found
}

fn valid(json: serde_json::Value) -> Option<Site> {
    let site: Site = serde_json::from_value(json).unwrap();
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    site.validate("example.com", now).is_ok().then_some(site)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_header_is_refused_or_read_back(text in prop_oneof![any::<String>(), "[ -~]{0,40}"]) {
        if let Some(site) = valid(serde_json::json!({"header": [format!("X-A: {text}")]})) {
            let expected = vec!["X-A".to_owned(), text.trim_matches(' ').to_owned(), "always".to_owned()];
            prop_assert_eq!(read_back(&site, "add_header"), vec![expected]);
        }
    }

    #[test]
    fn a_path_is_refused_or_read_back(text in prop_oneof![any::<String>(), "[ -~]{0,40}"]) {
        if let Some(site) = valid(serde_json::json!({"error_page": [format!("404=/{text}")]})) {
            let words = read_back(&site, "error_page").remove(0);
            prop_assert_eq!(words.len(), 2);
            if !text.contains('%') {
                prop_assert_eq!(&words[1], &format!("/{text}"));
            }
        }
    }

    #[test]
    fn a_redirect_is_refused_or_read_back(text in prop_oneof![any::<String>(), "[!-~]{0,40}"]) {
        if let Some(site) = valid(serde_json::json!({"redirect": format!("https://example.org/{text}")})) {
            let expected = vec!["301".to_owned(), format!("https://example.org/{text}")];
            prop_assert_eq!(read_back(&site, "return").pop().unwrap(), expected);
        }
    }

    #[test]
    fn any_other_text_is_refused_or_stays_one_word(
        root in "\\PC{0,20}", index in "\\PC{0,20}", alias in "\\PC{0,20}", upstream in "[ -~]{0,30}",
    ) {
        if let Some(site) = valid(serde_json::json!({"root": root})) {
            let expected = format!("/srv/www/example.com/{}", root.trim_end_matches('/'));
            prop_assert_eq!(read_back(&site, "root"), vec![vec![expected]]);
        }
        if let Some(site) = valid(serde_json::json!({"index": [index]})) {
            prop_assert_eq!(read_back(&site, "index"), vec![vec![index]]);
        }
        if let Some(site) = valid(serde_json::json!({"alias": [alias]})) {
            prop_assert_eq!(read_back(&site, "server_name")[0].len(), 3);
        }
        if let Some(site) = valid(serde_json::json!({"upstream": [upstream]})) {
            prop_assert!(read_back(&site, "server").iter().any(|words| (1..=2).contains(&words.len())));
        }
    }
}
