//! What a connection costs while it waits, and that nothing is lost when waiting is cut short.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::{FIRST_BYTES, FRAME_BYTES, FRAMES_COUNT, Kind, Message, WebSocket, WebSocketError, frame};

const MOST_BYTES: usize = 1_049_600;
const MASK: [u8; 4] = [1, 2, 3, 4];

fn pair() -> (WebSocket<DuplexStream>, DuplexStream) {
    let (server, client) = duplex(4 * MOST_BYTES);
    (WebSocket::server(server, MOST_BYTES), client)
}

/// A client's frame.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let (head, length) = frame::head(first & 0x0f, payload.len());
    let mut bytes = head[..length].to_vec();
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn held(socket: &WebSocket<DuplexStream>) -> usize {
    socket.message.capacity() + socket.control.capacity() + socket.out.capacity()
}

#[tokio::test]
async fn a_connection_that_rests_holds_no_buffer_whatever_went_through_it() {
    let (mut socket, mut client) = pair();
    for length in [1, 125, 126, 16_041, 65_535, 65_536, MOST_BYTES] {
        let sent: Vec<u8> = (0..=255).cycle().take(length).collect();
        client.write_all(&masked(0x82, &sent)).await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), Message::Binary(sent.clone()));
        socket.send(Kind::Binary, &sent).await.unwrap();
        socket.flush().await.unwrap();
        assert_eq!(held(&socket), 0, "after {length} bytes each way");
        let (head, head_length) = frame::head(frame::BINARY, length);
        let mut back = vec![0; head_length + length];
        client.read_exact(&mut back).await.unwrap();
        assert_eq!((&back[..head_length], &back[head_length..]), (&head[..head_length], sent.as_slice()));
    }
    client.write_all(&masked(0x89, b"alive?")).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), Message::Alive);
    socket.flush().await.unwrap();
    assert_eq!(held(&socket), 0, "after a ping");
}

#[tokio::test]
async fn a_length_that_is_only_claimed_costs_room_for_one_envelope() {
    let (mut socket, mut client) = pair();
    let whole = masked(0x82, &vec![7; MOST_BYTES]);
    for (came, most) in [(14, FIRST_BYTES), (1_000, FIRST_BYTES), (100_000, 4 * 100_000)] {
        let (mut socket, mut client) = pair();
        client.write_all(&whole[..came]).await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(50), socket.receive()).await;
        assert!(waiting.is_err(), "it is not whole");
        assert!(held(&socket) <= most, "{} bytes held after {came} came", held(&socket));
    }
    let mut one_more = whole;
    one_more[2..10].copy_from_slice(&(MOST_BYTES as u64 + 1).to_be_bytes());
    client.write_all(&one_more[..14]).await.unwrap();
    assert!(matches!(socket.receive().await, Err(WebSocketError::Misbehaved(frame::TOO_BIG))));
    assert_eq!(held(&socket), 0, "refused before room is made");
}

#[tokio::test]
async fn nothing_is_lost_when_waiting_is_cut_short_after_every_byte() {
    let (mut socket, mut client) = pair();
    let first: Vec<u8> = (0..200).collect();
    let bytes = [masked(0x02, &first), masked(0x89, b"between"), masked(0x80, &first), masked(0x82, b"next")].concat();
    let mut came = Vec::new();
    for byte in bytes {
        client.write_all(&[byte]).await.unwrap();
        tokio::select! {
            biased;
            message = socket.receive() => came.push(message.unwrap()),
            () = tokio::task::yield_now() => {}
        }
    }
    let both = [first.clone(), first].concat();
    assert_eq!(came, [Message::Alive, Message::Binary(both), Message::Binary(b"next".to_vec())]);
    let mut pong = [0; 9];
    client.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\x8a\x07between");
}

#[tokio::test]
async fn what_no_client_may_send_is_refused_at_its_second_byte() {
    for (first, second) in [(0x82, 5), (0xc2, 0x85), (0x83, 0x85), (0x09, 0x80), (0x89, 0xfe), (0x80, 0x85)] {
        let (mut socket, mut client) = pair();
        client.write_all(&[first, second]).await.unwrap();
        assert!(
            matches!(socket.receive().await, Err(WebSocketError::Misbehaved(frame::PROTOCOL))),
            "{first:x} {second:x}"
        );
    }
}

#[tokio::test]
async fn a_message_in_more_frames_than_it_needs_is_refused_and_one_in_small_pieces_is_not() {
    for (length, allowed) in [(0, FRAMES_COUNT), (1, FRAMES_COUNT), (FRAME_BYTES, 4_000)] {
        let (mut socket, mut client) = pair();
        let piece = vec![7; length];
        let mut within = [masked(0x02, &piece), masked(0x00, &piece).repeat(allowed - 2)].concat();
        // Control frames between them are messages of their own.
        within.extend(masked(0x89, &[]));
        let last = masked(0x80, &piece);
        client.write_all(&[within, last].concat()).await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), Message::Alive);
        assert_eq!(socket.receive().await.unwrap(), Message::Binary(piece.repeat(allowed)), "{length}");
    }
    let (mut socket, mut client) = pair();
    let endless = [masked(0x02, &[]), masked(0x00, &[]).repeat(FRAMES_COUNT)].concat();
    client.write_all(&endless).await.unwrap();
    let received =
        tokio::time::timeout(Duration::from_secs(20), socket.receive()).await.expect("refused, not waited for");
    assert!(matches!(received, Err(WebSocketError::Misbehaved(frame::TOO_MANY))));
}
