//! The relay's data folder.

use std::path::Path;

use lightproof_wire::blob::{BlobShape, ChunkClass};

use super::{assert_holds_none, exchange};

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

#[tokio::test]
async fn the_relays_folder_holds_nothing_that_was_said() {
    let (mut scene, secrets) = exchange().await;
    scene.relay.stop().await;
    let files = files(scene.relay.folder());
    assert!(files.len() >= 2, "rows and a blob at least");
    for (name, bytes) in &files {
        assert_holds_none(name, bytes, &secrets);
        assert_holds_none("a name of a file", name.as_bytes(), &secrets);
    }
}

#[tokio::test]
async fn every_blob_is_a_padme_number_of_whole_chunks() {
    let (mut scene, _) = exchange().await;
    scene.relay.stop().await;
    let blobs = files(&scene.relay.folder().join("blobs"));
    assert!(!blobs.is_empty());
    for (name, bytes) in blobs {
        let whole = |class: &ChunkClass| {
            let (count, rest) =
                (bytes.len() / class.sealed_bytes() as usize, bytes.len() % class.sealed_bytes() as usize);
            rest == 0 && BlobShape::new(*class, u32::try_from(count).unwrap()).is_ok()
        };
        assert!(ChunkClass::ALL.iter().any(whole), "{name}: {} bytes", bytes.len());
    }
}
