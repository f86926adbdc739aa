use crate::matrices::{gaussian, with_spectrum};
use crate::measure::{Worst, norm};
use white_box::linalg::{Matrix, PivotedCholesky};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(70, S::NAME);
    let mut worst = Worst::of("pivoted Cholesky residual");
    for n in [1usize, 2, 6, 17] {
        for rank in [0, 1, n.div_ceil(2), n] {
            // Small whole numbers: the Gram matrix is exact, and so is its rank.
            let b = Matrix::<f64>::from_fn(n, rank, |_, _| (rng.below(15) as f64) - 7.0);
            let a: Matrix<S> = b.gram_rows().cast();
            let exact_rank = white_box::linalg::Svd::new(&b).unwrap().rank();
            let found = PivotedCholesky::new(&a).unwrap();
            assert_eq!(found.rank(), exact_rank, "n = {n}, rank {rank}");
            let product = found.factor.cast::<Ball>().gram_rows();
            // |ΔA_ij| ≤ γ_{r+1} √(a_ii a_jj), and what is left, of trace at most n² u max a_ii.
            let trace: f64 = (0..n).map(|i| a[(i, i)].value()).sum();
            let bound = (exact_rank + 2) as f64 * S::UNIT_ROUNDOFF * trace + (n * n) as f64 * S::UNIT_ROUNDOFF * trace;
            worst.see(norm(&product.sub(&a.cast()).unwrap()), bound, (n, rank));
            let mut order = found.order.clone();
            order.sort();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
            for (k, &p) in found.order.iter().enumerate().take(exact_rank) {
                let row = found.factor.row(p);
                assert!(row[k].value() > 0.0 && row[k + 1..].iter().all(|x| *x == S::ZERO), "the form of the factor");
                assert!(k == 0 || row[k].value() <= found.factor[(found.order[k - 1], k - 1)].value(), "pivots fall");
            }
        }
    }
    worst.check(1000.0);
}
#[test]
fn factors_reveal_the_rank() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
    contract::<Ball>();
    let mut rng = Rng::new(71);
    let nearly: Matrix<f64> = with_spectrum(&[3.0, 2.0, 1.0, 1e-17, 0.0, 0.0], &mut rng);
    assert_eq!(PivotedCholesky::new(&nearly).unwrap().rank(), 3);
    let gram = gaussian::<f64>(3, 8, &mut rng).gram_cols();
    assert_eq!(PivotedCholesky::new(&gram).unwrap().rank(), 3);
}

#[test]
fn errors_say_what() {
    for indefinite in [[[0.0, 1.0], [1.0, 0.0]], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [0.0, -1.0]], [[-1.0, 0.0], [0.0, 0.0]]] {
        assert_eq!(PivotedCholesky::new(&Matrix::<f64>::from_rows(&indefinite)).unwrap_err().kind(), "not-positive-definite");
    }
    assert_eq!(PivotedCholesky::new(&Matrix::<f64>::zeros(2, 3)).unwrap_err().kind(), "shape");
    assert_eq!(PivotedCholesky::new(&Matrix::<f64>::from_rows(&[[f64::NAN]])).unwrap_err().kind(), "not-finite");
    let wide = Matrix::<Ball>::identity(2).map(|x| x.widen(2.0));
    assert_eq!(PivotedCholesky::new(&wide).unwrap_err().kind(), "undecided");
    assert_eq!(PivotedCholesky::new(&Matrix::<f64>::zeros(0, 0)).unwrap().rank(), 0);
}
