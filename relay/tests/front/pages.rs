//! What anybody can ask over HTTP: the page, health, and nothing else.

use http::{HeaderMap, StatusCode};
use lightproof_relay::socket::accept_upgrade;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::tls,
    effort,
    material::{PATIENCE, start},
};

async fn ask(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin), request: &str) -> String {
    let request = format!("{request}\r\nHost: relay\r\nConnection: close\r\n\r\n");
    // It may answer before all of a request that is too long has left.
    let _cut = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_says_is_shown_and_is_no_markup() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "</td><script>alert('x')</script>&\\\"";
    let settings = format!("operator = \"{hostile}\"\nnotice = \"{hostile}\"");
    let relay = start(folder.path(), &settings).await;
    let page = ask(&mut tls(relay.link()).await, "GET / HTTP/1.1").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("content-security-policy: default-src 'none'"), "{page}");
    assert_eq!(page.matches("&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;").count(), 2);
    assert!(!page.contains("<script") && page.contains("keeps an envelope"));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_serves_is_not_found_and_what_is_too_long_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "metrics = \"127.0.0.1:0\"").await;
    for (request, status) in [
        ("GET /metrics HTTP/1.1", 404),
        ("GET /healthz/ HTTP/1.1", 404),
        ("GET /../etc/passwd HTTP/1.1", 404),
        ("GET /%2e%2e/rows.redb HTTP/1.1", 404),
        ("POST / HTTP/1.1", 405),
        ("DELETE /v1 HTTP/1.1", 405),
        ("GET / HTTP/2.0", 400),
        ("nonsense", 400),
    ] {
        let answer = ask(&mut tls(relay.link()).await, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
    }
    let long = format!("GET /healthz HTTP/1.1\r\nX-Long: {}", "x".repeat(64 * 1_024));
    assert!(ask(&mut tls(relay.link()).await, &long).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET /healthz HTTP/1.1{}", "\r\nX: y".repeat(1_000));
    assert!(ask(&mut tls(relay.link()).await, &many).await.starts_with("HTTP/1.1 431"));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_an_address_of_their_own_and_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "metrics = \"127.0.0.1:0\"").await;
    let at = relay.metrics_address().unwrap();
    let answer = ask(&mut TcpStream::connect(at).await.unwrap(), "GET /metrics HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("application/openmetrics-text"), "{answer}");
    assert!(answer.contains("lightproof_relay_connections_open 0") && answer.ends_with("# EOF\n"), "{answer}");
    assert!(!answer.contains("127.0.0.1"));
    assert!(ask(&mut TcpStream::connect(at).await.unwrap(), "GET /readyz HTTP/1.1").await.ends_with("ready\n"));
    assert!(ask(&mut TcpStream::connect(at).await.unwrap(), "GET /v1 HTTP/1.1").await.starts_with("HTTP/1.1 404"));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_on_one_connection_is_answered_one_by_one() {
    const REQUESTS: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    let (mut reader, mut writer) = tokio::io::split(tls(relay.link()).await);
    let flood = "GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n".repeat(REQUESTS - 1);
    let last = "GET /healthz HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
    let writing = tokio::spawn(async move { writer.write_all((flood + last).as_bytes()).await });
    let mut answers = Vec::new();
    let _closed = reader.read_to_end(&mut answers).await;
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), REQUESTS);
    let _sent = writing.await.unwrap();
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_however_long_or_odd_harms_a_relay() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "behind_proxy = true\npublic_url = \"wss://relay.example.org/\"").await;
    let pieces = [
        "GET / HTTP/1.1",
        "GET /v1 HTTP/1.1",
        "\r\n",
        "\n",
        "\r",
        "\0",
        ": ",
        "Host: relay",
        "Upgrade: websocket",
        "Connection: upgrade",
    ];
    let more = [
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked",
        "\r\n\r\nffffffffffffffff\r\n",
        "\u{ff}",
        "X-Forwarded-For: ,,,,",
    ];
    let pieces: Vec<String> = pieces.iter().chain(&more).map(ToString::to_string).chain(["A".repeat(9_000)]).collect();
    let count = effort::times(500);
    let mut random = 11_u64;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % limit
    };
    for number in 0..count {
        // Every second one begins well.
        let mut request =
            if number % 2 == 0 { "GET /healthz HTTP/1.1\r\nHost: relay\r\n".to_owned() } else { String::new() };
        (0..below(12)).for_each(|_| request.push_str(&pieces[below(pieces.len())]));
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        let _cut = stream.write_all(request.as_bytes()).await;
        let _ended = stream.shutdown().await;
        let mut answer = Vec::new();
        let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end");
        assert!(answer.len() < 16_384, "{}", answer.len());
    }
    assert_eq!(relay.metrics().panics.get(), 0);
    assert!(
        ask(&mut TcpStream::connect(relay.address()).await.unwrap(), "GET /readyz HTTP/1.1").await.ends_with("ready\n")
    );
    println!("evidence: A2 | {count} requests, long and odd: 0 panics, all bounded | seed 11");
    relay.shutdown().await;
}

#[test]
fn only_pages_that_the_operator_named_may_connect() {
    let allowed = ["https://photos.example.org".to_owned(), "https://other.example.org:8443".to_owned()];
    let upgrade = |origins: &[&str]| {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket"), ("sec-websocket-version", "13")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        headers.insert("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
        for origin in origins {
            headers.append("origin", origin.parse().unwrap());
        }
        accept_upgrade(&headers, &allowed)
    };
    let welcome: [&[&str]; 3] = [&[], &["https://photos.example.org"], &["https://other.example.org:8443"]];
    let foreign: [&[&str]; 17] = [
        &["https://elsewhere.example"],
        &["http://photos.example.org"],
        &["https://photos.example.org:443"],
        &["https://photos.example.org:8443"],
        &["https://other.example.org"],
        &["https://photos.example.org/"],
        &["https://photos.example.org.elsewhere.example"],
        &["https://elsewhere.example/https://photos.example.org"],
        &["https://elsewhere.photos.example.org"],
        &["https://user@photos.example.org"],
        &["https://PHOTOS.example.org"],
        &["https://photos.example.org."],
        &["null"],
        &[""],
        &["*"],
        &["https://photos.example.org", "https://elsewhere.example"],
        &["https://photos.example.org https://elsewhere.example"],
    ];
    assert!(welcome.iter().all(|origins| upgrade(origins).is_ok()));
    for origins in foreign {
        assert_eq!(upgrade(origins), Err(StatusCode::FORBIDDEN), "{origins:?}");
    }
    println!(
        "evidence: A30 | {} origins: {} strangers refused | one run",
        welcome.len() + foreign.len(),
        foreign.len()
    );
}
