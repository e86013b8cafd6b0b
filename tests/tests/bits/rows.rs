//! Rows at rest, of clients and of relays, as a real conversation leaves them: a turned bit is found when the row is read.

use lightproof_core::vault::{
    record::{Record, VaultKeys},
    store::{Row, RowKey, Store as _, Table},
    unlock::{self, Passphrase},
};
use lightproof_relay::store::Table as RelayTable;
use lightproof_tests::{
    Scene,
    effort::times,
    rows::is_believed,
    scene::{exact, noise},
};
use lightproof_wire::codec::{Deserialize, Serialize, Size};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{bits, every, flipped, relay::rows_of};

/// The value of any row of one table, undecoded.
struct Kept<const TABLE: usize>(Vec<u8>);

impl<const TABLE: usize> Record for Kept<TABLE> {
    const TABLE: Table = Table::ALL[TABLE];

    fn id(&self) -> Vec<u8> {
        self.0.clone()
    }
}

impl<const TABLE: usize> Size for Kept<TABLE> {
    fn tls_serialized_len(&self) -> usize {
        self.0.len()
    }
}

impl<const TABLE: usize> Serialize for Kept<TABLE> {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(&self.0)?;
        Ok(self.0.len())
    }
}

impl<const TABLE: usize> Deserialize for Kept<TABLE> {
    fn tls_deserialize<R: std::io::Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Self(bytes))
    }
}

type Open = fn(&VaultKeys, &RowKey, &[u8]) -> bool;

fn opens<const TABLE: usize>(keys: &VaultKeys, row: &RowKey, value: &[u8]) -> bool {
    keys.open::<Kept<TABLE>>(row, value).is_ok()
}

/// All tables of a vault but its header, which is not sealed under its keys.
const OPEN: [(Table, Open); 17] = [
    (Table::ALL[1], opens::<1>),
    (Table::ALL[2], opens::<2>),
    (Table::ALL[3], opens::<3>),
    (Table::ALL[4], opens::<4>),
    (Table::ALL[5], opens::<5>),
    (Table::ALL[6], opens::<6>),
    (Table::ALL[7], opens::<7>),
    (Table::ALL[8], opens::<8>),
    (Table::ALL[9], opens::<9>),
    (Table::ALL[10], opens::<10>),
    (Table::ALL[11], opens::<11>),
    (Table::ALL[12], opens::<12>),
    (Table::ALL[13], opens::<13>),
    (Table::ALL[14], opens::<14>),
    (Table::ALL[15], opens::<15>),
    (Table::ALL[16], opens::<16>),
    (Table::ALL[17], opens::<17>),
];

/// Every bit of a short row; of a long one its ends and a sample.
fn chosen(length: usize) -> Vec<usize> {
    if length <= 300 {
        return bits(0..length).collect();
    }
    let mut rng = ChaCha20Rng::seed_from_u64(length as u64);
    let wanted = usize::try_from(times(200)).unwrap().min(length * 8);
    let sample = (0..wanted).map(|_| usize::try_from(rng.next_u64()).unwrap() % (length * 8));
    bits(0..48).chain(bits(length - 16..length)).chain(sample).collect()
}

async fn conversation() -> Scene {
    let mut scene = Scene::strangers().await;
    scene.alice.files.put("a.bin", &noise(1, 100_000));
    scene.alice.send(&["bob"], "hello", &["a.bin"], exact()).await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.settle().await;
    scene.bob.note("alice", "hello yourself").await;
    scene.alice.receive().await.unwrap();
    scene.alice.send(&["bob"], "not fetched yet", &["a.bin"], exact()).await.unwrap();
    scene.relay.stop().await;
    scene.alice.note("bob", "not deposited yet").await;
    scene
}

#[tokio::test]
async fn no_bit_of_a_row_of_a_vault_can_be_turned() {
    let scene = conversation().await;
    let (mut tables, mut total, mut count) = (0, 0, 0);
    for person in [&scene.alice, &scene.bob] {
        let header = person.store.get(Table::Header, &[0; 32]).await.unwrap().unwrap();
        let keys = unlock::unlock(&header.value, &Passphrase::None).unwrap();
        for (table, open) in OPEN {
            let rows: Vec<Row> = person.store.scan(table).await.unwrap();
            tables += usize::from(!rows.is_empty());
            for row in rows {
                assert!(open(&keys, &row.key, &row.value), "{table:?} is not read");
                total += every(&format!("{table:?}"), &chosen(row.value.len()), |bit| {
                    let is_open = open(&keys, &row.key, &flipped(&row.value, bit));
                    if is_open { Err("it opened".to_owned()) } else { Ok(()) }
                });
                total += every(&format!("the name of {table:?}"), &bits(0..32).collect::<Vec<_>>(), |bit| {
                    let name = flipped(&row.key, bit).try_into().unwrap();
                    if open(&keys, &name, &row.value) { Err("it opened elsewhere".to_owned()) } else { Ok(()) }
                });
                let elsewhere = OPEN.iter().filter(|(other, _)| *other != table);
                assert!(!elsewhere.into_iter().any(|(_, open)| open(&keys, &row.key, &row.value)), "{table:?} moved");
                let cuts: Vec<usize> = (0..row.value.len()).step_by(row.value.len().div_ceil(200)).collect();
                total += every(&format!("{table:?}"), &cuts, |length| {
                    let is_open = open(&keys, &row.key, &row.value[..length]);
                    if is_open { Err("it opened cut".to_owned()) } else { Ok(()) }
                });
                count += 1;
            }
        }
    }
    assert!(tables > 20, "{tables} tables were looked at");
    println!("evidence: P13 P16 | {total} damages of {count} rows of two vaults, all noticed | -");
}

#[tokio::test]
async fn no_bit_of_a_row_of_a_relay_can_be_turned() {
    let (mut tables, mut total, mut count) = (0, 0, 0);
    let rows = rows_of(super::relay::filled().await.store());
    for table in RelayTable::ALL {
        // What is to be looked at on which day stands in the keys of this one; a wrong one is looked up and not found.
        if table == RelayTable::Expiry {
            continue;
        }
        let of_table: Vec<_> = rows.iter().filter(|(other, ..)| *other == table).collect();
        tables += usize::from(!of_table.is_empty());
        for (_, key, value) in of_table {
            assert!(is_believed(table, key, value), "{table:?} is not read");
            total += every(table.name(), &chosen(value.len()), |bit| {
                if is_believed(table, key, &flipped(value, bit)) { Err("it was believed".to_owned()) } else { Ok(()) }
            });
            total += every(table.name(), &bits(0..key.len()).collect::<Vec<_>>(), |bit| {
                if is_believed(table, &flipped(key, bit), value) {
                    Err("it was believed elsewhere".to_owned())
                } else {
                    Ok(())
                }
            });
            count += 1;
        }
    }
    assert!(tables >= 8, "{tables} tables were looked at");
    println!("evidence: P13 P15 | {total} turned bits of {count} rows of a relay, all noticed | -");
}
