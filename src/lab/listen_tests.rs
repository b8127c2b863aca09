use super::*;

/// The line that a client at `local` has to read.
fn expected(local: SocketAddr) -> String {
    format!("seen-from {} {}\n", local.ip(), local.port())
}

/// Starts one listener of the kind and returns its address.
async fn serve_tcp<F, A>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream, SocketAddr) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = open_tcp(0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(accept(listener, answer));
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Sends `request`, reads to the end; the client's own address and what it got.
async fn ask(server: SocketAddr, request: &str) -> (SocketAddr, String) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (stream.local_addr().unwrap(), answer)
}

#[tokio::test]
async fn http_answers_any_request_with_one_line_and_closes() {
    let server = serve_tcp(answer_http).await;
    for head in
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE /a?b HTTP/1.0\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"]
    {
        let (local, answer) = ask(server, head).await;
        assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", expected(local))), "{answer}");
    }
}

#[tokio::test]
async fn http_waits_for_one_client_while_it_answers_another() {
    let server = serve_tcp(answer_http).await;
    let mut slow = TcpStream::connect(server).await.unwrap();
    slow.write_all(b"GET / HT").await.unwrap();
    let (local, answer) = ask(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.ends_with(&expected(local)));
    slow.write_all(b"TP/1.0\r\n\r\n").await.unwrap();
    let mut late = String::new();
    slow.read_to_string(&mut late).await.unwrap();
    assert!(late.ends_with(&expected(slow.local_addr().unwrap())), "{late}");
}

#[tokio::test]
async fn tcp_tells_whoever_connects_and_closes() {
    let server = serve_tcp(answer_tcp).await;
    let (local, answer) = ask(server, "").await;
    assert_eq!(answer, expected(local), "an IPv4 client is shown as IPv4");
    let (local, answer) = ask(server, "unread words").await;
    assert_eq!(answer, expected(local), "what it sends does not cost it the answer");
}

#[tokio::test]
async fn udp_answers_each_datagram() {
    let socket = open_udp(0).await.unwrap();
    let server = (Ipv4Addr::LOCALHOST, socket.local_addr().unwrap().port());
    tokio::spawn(answer_datagrams(socket));
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for _ in 0..2 {
        client.send_to(b"", server).await.unwrap();
        let mut answer = [0; 100];
        let (length, _) = client.recv_from(&mut answer).await.unwrap();
        assert_eq!(answer[..length], *expected(client.local_addr().unwrap()).as_bytes());
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let listener = open_tcp(0).await.unwrap();
    let taken = listener.local_addr().unwrap().port();
    let serve = Serve { tcp: vec![taken], ..Serve::default() };
    let error = listen(&serve, || panic!("not ready")).await.unwrap_err();
    assert!(error.to_string().contains(&format!("tcp port {taken}")), "{error}");
}

#[test]
fn arguments_name_every_port() {
    let serve = Serve { http: vec![80, 8080], tcp: vec![445], udp: vec![] };
    assert_eq!(arguments(&serve), ["--http", "80", "--http", "8080", "--tcp", "445"]);
}
