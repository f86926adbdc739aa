//! Which samples make a batch, and in which order: seeded.

use crate::random::{Rng, permutation};
use crate::{Error, Result};

/// The samples of each batch of an epoch: a fresh order of all samples, cut into batches; the last one may be smaller. The order depends on the seed and the epoch alone.
pub fn epoch(samples: usize, batch: usize, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
    let mut rng = Rng::stream(seed.wrapping_add(epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15)), "epoch");
    permutation(samples, &mut rng).chunks(batch.max(1)).map(<[usize]>::to_vec).collect()
}

/// Splits sample numbers into (training, test), the test part with the same share of every class as far as whole numbers allow: of each class, in a seeded
/// order, the first `⌊share⌉` go to the test part, and what is left over or missing comes from the classes in order. Errors: `Domain` unless `0 < test < n`.
pub fn split(labels: &[usize], test: usize, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    let n = labels.len();
    if test == 0 || test >= n {
        return Err(Error::domain("test samples", format!("from 1 to {}", n.saturating_sub(1)), test.to_string()));
    }
    let mut rng = Rng::stream(seed, "split");
    let order = permutation(n, &mut rng);
    let classes = labels.iter().max().map_or(0, |m| m + 1);
    // Largest remainders: the share of each class rounded down, then one more for the classes that lost most.
    let count = |c: usize| labels.iter().filter(|&&l| l == c).count();
    let mut quota: Vec<usize> = (0..classes).map(|c| count(c) * test / n).collect();
    let mut by_loss: Vec<usize> = (0..classes).collect();
    by_loss.sort_by_key(|&c| std::cmp::Reverse(count(c) * test % n));
    for &c in by_loss.iter().cycle().take(test - quota.iter().sum::<usize>()) {
        quota[c] += 1;
    }
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for i in order {
        let left = &mut quota[labels[i]];
        if *left > 0 {
            *left -= 1;
            held.push(i);
        } else {
            train.push(i);
        }
    }
    Ok((train, held))
}
