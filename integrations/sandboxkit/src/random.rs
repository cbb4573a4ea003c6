//! Randomness: tokens, codes, ids. From the same provider as everything else's secrets.

use aws_lc_rs::rand;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` letters and digits. Modulo bias is harmless here: a sandbox guards nothing.
pub fn letters(length: usize) -> String {
    bytes(length).iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// `length` hexadecimal digits (an even number).
pub fn hex(length: usize) -> String {
    hex::encode(bytes(length / 2))
}

/// A GUID, lower case.
pub fn guid() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}
