use super::*;
use crate::ops::testing::{random, same, torch};
use crate::tape::Tape;
use tensor::Tensor;

/// show(lambda x, w, b: F.batch_norm(x, None, None, w, b, True).tanh(), x, w, b)
#[test]
fn values_and_gradients_of_torch() {
    let x = Tensor::from([[1.0, 10.0], [3.0, 10.5], [-2.0, 13.0]]);
    let (w, b) = (Tensor::from([2.0, 0.5]), Tensor::from([-1.0, 0.25]));
    torch(
        |v| {
            v[0].batch_norm(None, Some(&v[1]), Some(&v[2]), &BatchNormOptions::default())?
                .tanh()
        },
        [x, w, b],
        [
            [-0.588_623_741_956_407_2, -0.192_083_078_223_826_06],
            [0.854_094_750_087_177, -0.003_999_495_258_036_298],
            [-0.998_494_582_695_347_4, 0.739_102_612_649_784_6],
        ],
        [
            Tensor::from([
                [0.313_773_497_402_902_2, -0.022_449_480_735_485_267],
                [-0.188_263_710_683_073_1, 0.026_940_225_006_238_043],
                [-0.125_509_786_719_829_26, -0.004_490_744_270_752_58],
            ]),
            Tensor::from([0.409_301_785_991_956_93, -0.730_332_943_840_546_5]),
            Tensor::from([0.927_052_816_606_803_7, 2.416_815_423_072_003]),
        ],
    );
}

#[test]
fn the_tape_says_which_statistics() {
    let options = BatchNormOptions::default();
    let x = random(&[4, 3, 2, 2]);
    let (mut mean, mut var) = (Tensor::zeros([3]).unwrap(), Tensor::ones([3]).unwrap());
    let mut norm = |tape: Tape<f64>, options: &BatchNormOptions| {
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        let y = tape.leaf(x.clone());
        let y = y.batch_norm(Some(running), None, None, options).unwrap();
        (y.into_value(), mean.clone(), var.clone())
    };
    let (frozen, mean, var) = norm(Tape::new(), &options.use_input_stats(false));
    assert_eq!(
        (mean.sum().item().unwrap(), var.sum().item().unwrap()),
        (0.0, 3.0)
    );
    assert!(frozen.all_close(&x, 1e-4, 0.0));

    let (trained, mean, var) = norm(Tape::new(), &options);
    let own = x.mean_axes([0, 2, 3], false).unwrap();
    same(&mean, &own.mul_scalar(0.1));
    let unbiased = x.var_axes([0, 2, 3], 1.0, false).unwrap();
    same(&var, &unbiased.mul_scalar(0.1).add_scalar(0.9));
    assert!(
        trained
            .mean_axes([0, 2, 3], false)
            .unwrap()
            .all_close(&own.zeros_like(), 0.0, 1e-12)
    );

    let (_, after, _) = norm(Tape::new().eval(), &options);
    assert_eq!(after, mean);
    let (again, after, _) = norm(Tape::new().eval(), &options.use_input_stats(true));
    assert_ne!(after, mean);
    assert_eq!(again, trained);
}

#[test]
fn a_call_that_fails_moves_nothing() {
    let (mut mean, mut var) = (Tensor::zeros([3]).unwrap(), Tensor::ones([3]).unwrap());
    let options = BatchNormOptions::default();
    let tape = Tape::new();
    let x = tape.leaf(random(&[4, 3]));
    let weight = tape.leaf(random(&[2]));
    let other = Tape::new().leaf(random(&[3]));
    for weight in [&weight, &other] {
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        assert!(
            x.batch_norm(Some(running), Some(weight), None, &options)
                .is_err()
        );
    }
    assert_eq!(mean.to_vec(), [0.0; 3]);
    assert_eq!(var.to_vec(), [1.0; 3]);
}

#[test]
fn nothing_in_a_batch_is_nothing_out_and_learned() {
    let (mut mean, mut var) = (Tensor::zeros([3]).unwrap(), Tensor::ones([3]).unwrap());
    let tape = Tape::new();
    let x = tape.leaf(Tensor::<f64>::zeros([0, 3, 2]).unwrap());
    let w = tape.leaf(Tensor::ones([3]).unwrap());
    let running = RunningStats {
        mean: &mut mean,
        var: &mut var,
    };
    let options = BatchNormOptions::default();
    let y = x
        .batch_norm(Some(running), Some(&w), None, &options)
        .unwrap();
    assert_eq!(y.shape(), [0, 3, 2]);
    let grads = y.sum().unwrap().backward().unwrap();
    assert_eq!(grads.get(&w), Some(&Tensor::from([0.0; 3])));
    assert_eq!((mean.to_vec(), var.to_vec()), (vec![0.0; 3], vec![1.0; 3]));
}

#[test]
fn a_receptive_field_stays_where_statistics_are_fixed() {
    for (tape, spans) in [(Tape::new(), true), (Tape::new().eval(), false)] {
        let (mut mean, mut var) = (Tensor::zeros([3]).unwrap(), Tensor::ones([3]).unwrap());
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        let x = tape.leaf(random(&[4, 3, 2]));
        x.batch_norm(Some(running), None, None, &BatchNormOptions::default())
            .unwrap();
        assert_eq!(tape.entries()[1].op.spans_plane, spans);
    }
}
