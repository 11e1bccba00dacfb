//! Short digests, for entity tags and seals.

use sha2::{Digest, Sha256};

/// Sixteen hexadecimal digits that stand for some bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
