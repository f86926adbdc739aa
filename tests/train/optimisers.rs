//! Optimisers, schedules and initial weights against their sources.

use super::kinds;
use white_box::Error;
use white_box::learn::*;
use white_box::scalar::Scalar;
use white_box::transformer::{Design, Vision};

/// θ after the steps g1, g2, g3.
fn after(optimiser: Optimiser, rate: f64) -> Vec<f64> {
    let mut theta = Parameter::from(vec![1.0, -2.0, 0.5]);
    let mut moments = Moments::new(&optimiser, &[&theta]);
    for g in [[0.1, -0.3, 0.0], [-0.2, 0.05, 0.0], [0.4, 0.4, 1e-9]] {
        optimise(&optimiser, rate, &mut [&mut theta], &[&Parameter::from(g.to_vec())], &mut moments).unwrap();
    }
    theta.data().to_vec()
}

/// The numbers that PyTorch 2 and lion-pytorch print in f64: equal to the last printed digit.
#[test]
fn steps_are_those_of_the_frameworks() {
    let digits = |found: Vec<f64>, expected: [f64; 3], unit: f64| {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= 0.5 * unit * (1.0 + 1e-6), "{found:?} {expected:?}");
        }
    };
    assert_eq!(after(Optimiser::adamw(0.1), 0.01), [0.9864838079764114, -1.9812149253226174, 0.4981526468989783]);
    digits(after(Optimiser::lion(0.1), 0.01), [0.987012989, -2.004015988, 0.4885014995], 1e-10);
    let sgd = Optimiser::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.01 };
    digits(after(sgd, 0.1), [0.965312789, -1.957098568, 0.4971973994], 1e-9);
}

/// By hand: Nesterov, dampening, Adam's coupled decay.
#[test]
fn the_variants_follow_their_formulas() {
    let (g, wd, lr) = ([0.1, -0.2, 0.4], 0.01, 0.1);
    let (mut theta, mut b) = (1.0f64, 0.0);
    for (t, g) in g.into_iter().enumerate() {
        let g = g + wd * theta;
        b = if t == 0 { g } else { 0.9 * b + 1.0 * g };
        theta -= lr * (g + 0.9 * b);
    }
    let found = after(Optimiser::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: wd }, lr)[0];
    assert!((found - theta).abs() <= 8.0 * f64::EPSILON, "{found} {theta}");
    let (mut theta, mut m, mut v) = (1.0f64, 0.0, 0.0);
    for (t, g) in (1..).zip(g) {
        let g = g + wd * theta;
        (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g);
        theta -= lr / (1.0 - 0.9f64.powi(t)) * m / (v.sqrt() / (1.0 - 0.999f64.powi(t)).sqrt() + 1e-8);
    }
    let found = after(Optimiser::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: wd }, lr)[0];
    // 1 − 0.999ᵗ loses three digits.
    assert!((found - theta).abs() <= 1e4 * f64::EPSILON, "{found} {theta}");
}

/// Lion moves by exactly η or not at all, whatever the scale of the gradients.
#[test]
fn lion_sees_signs_only() {
    let lion = Optimiser::lion(0.0);
    let step = |scale: f64| {
        let mut theta = Parameter::from(vec![0.0; 3]);
        let mut moments = Moments::new(&lion, &[&theta]);
        for g in [[1.0, -2.0, 0.0], [-3.0, 1.0, 0.0]] {
            let g = Parameter::from(g.map(|g| g * scale).to_vec());
            optimise(&lion, 0.25, &mut [&mut theta], &[&g], &mut moments).unwrap();
        }
        theta.data().to_vec()
    };
    assert_eq!(step(1.0), [0.0, 0.0, 0.0]);
    assert_eq!(step(1.0), step(1e-30));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |o: Optimiser| assert!(matches!(o.check(), Err(Error::Domain(_))), "{o:?}");
    refused(Optimiser::AdamW { betas: [1.0, 0.999], eps: 1e-8, weight_decay: 0.0 });
    refused(Optimiser::AdamW { betas: [0.9, 0.999], eps: f64::NAN, weight_decay: 0.0 });
    refused(Optimiser::Lion { betas: [0.9, -0.1], weight_decay: 0.0 });
    refused(Optimiser::lion(-1.0));
    refused(Optimiser::Sgd { momentum: 0.0, dampening: 0.0, nesterov: true, weight_decay: 0.0 });
    let mut theta = Parameter::from(vec![1.0]);
    let mut moments = Moments::new(&Optimiser::adamw(0.0), &[&theta]);
    let gradient = Parameter::from(vec![1.0, 2.0]);
    assert!(matches!(optimise(&Optimiser::adamw(0.0), 0.1, &mut [&mut theta], &[&gradient], &mut moments), Err(Error::Shape(_))));
}

#[test]
fn schedules_are_those_of_their_codes() {
    let close = |x: f64, y: f64| assert!((x - y).abs() <= 4.0 * f64::EPSILON, "{x} {y}");
    let main = Schedule::CrateRepo { warmup: 20.0, epochs: 200.0 };
    close(main.factor(0.0), 0.049999999975);
    close(main.factor(18.0), 19.0 / (20.0 + 1e-8));
    close(main.factor(19.0), 0.977896507399165);
    close(main.factor(100.0), 0.5);
    close(main.factor(199.0), 6.168375916970614e-05);
    let tune = Schedule::CrateRepoFinetune { epochs: 200.0 };
    for (e, f) in [1.0, 0.99993831624, 1.0, 0.99993831624, 0.99975328018].into_iter().enumerate() {
        assert!((tune.factor(e as f64) - f).abs() <= 5e-12);
    }
    let gpt = Schedule::NanoGpt { warmup: 2000.0, total: 600000.0, floor: 0.1 };
    assert_eq!([gpt.factor(0.0), gpt.factor(1000.0), gpt.factor(600001.0)], [0.0, 0.5, 0.1]);
    close(gpt.factor(301000.0), 0.55);
    let common = Schedule::WarmupCosine { warmup: 4.0, total: 12.0, floor: 0.1 };
    assert_eq!([0.0, 3.0, 4.0, 12.0, 99.0].map(|t| common.factor(t)), [0.25, 1.0, 1.0, 0.1, 0.1]);
    close(common.factor(8.0), 0.55);
}

/// Bounds and spreads of the distributions of the official codes, LayerNorms untouched, nothing forgotten.
#[test]
fn initial_weights_have_their_distributions() {
    for design in kinds(Design::new_crate([1, 8, 8], 2, 64, 2, 4, 10)) {
        let model = Vision::<f64>::initialise(design, 5).unwrap();
        assert_eq!(model, Vision::initialise(design, 5).unwrap());
        assert_ne!(model, Vision::initialise(design, 6).unwrap());
        model.visit(&Name::Root, &mut |name, p| {
            let name = name.to_string();
            let most = p.data().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            let spread = (p.data().iter().map(|x| x * x).sum::<f64>() / p.data().len() as f64).sqrt();
            // Of n draws the root mean square is within a few parts in √n.
            let room = 4.0 / (p.data().len() as f64).sqrt();
            if name.contains("norm")
                || name.starts_with("to_patch_embedding.1")
                || name.starts_with("to_patch_embedding.3")
                || name.starts_with("mlp_head.0")
            {
                assert!(p.data().iter().all(|&x| x == if name.ends_with("weight") { 1.0 } else { 0.0 }), "{name}");
            } else if name.ends_with("1.fn.weight") {
                let bound = (6.0 / 64.0f64).sqrt();
                assert!(most <= bound && most > 0.99 * bound, "{name} {most}");
            } else if name.ends_with("0.fn.to_out.0.weight") {
                assert!(most <= 0.125 && most > 0.123, "{name} {most}");
            } else if name == "pos_embedding" {
                assert!((spread - 1.0).abs() < room, "{name} {spread}");
            } else if ["pos_embed", "fc1.weight", "fc2.weight", "attn.qkv.weight", "proj.weight"].iter().any(|n| name.ends_with(n))
                && !name.starts_with("patch_embed")
            {
                assert!((spread / 0.02 - 1.0).abs() < room, "{name} {spread}");
            } else if ["fc1.bias", "fc2.bias", "qkv.bias", "attn.proj.bias", "fn.proj.bias"].iter().any(|n| name.ends_with(n))
                || name == "head.bias"
            {
                assert!(most == 0.0, "{name}");
            } else {
                assert!(most > 0.0, "{name} was forgotten");
            }
        });
    }
}

/// The derivative of the loss by the logits, at the corners of the smoothing.
#[test]
fn smoothing_mixes_the_label_with_all_classes() {
    use white_box::linalg::Matrix;
    let logits = Matrix::from_rows(&[[1.0, -0.5, 2.0], [0.25, 0.25, 0.25]]);
    let p = softmax(&logits).unwrap();
    for s in [0.0, 0.1, 1.0] {
        let found = cross_entropy_vjp(&logits, &[2, 0], s, 1.0).unwrap();
        let mut value = 0.0;
        for (b, label) in [2, 0].into_iter().enumerate() {
            for c in 0..3 {
                let q = s / 3.0 + if c == label { 1.0 - s } else { 0.0 };
                assert!((found[(b, c)] - (p[(b, c)] - q) / 2.0).abs() <= 2.0 * f64::EPSILON);
                value -= q * Scalar::ln(p[(b, c)]) / 2.0;
            }
        }
        assert!((cross_entropy(&logits, &[2, 0], s).unwrap() - value).abs() <= 4.0 * f64::EPSILON);
    }
}
