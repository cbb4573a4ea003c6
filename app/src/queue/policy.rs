//! How patient the queue is with a kind of job, and how long it pauses between attempts.

use std::time::Duration;

use uuid::Uuid;

/// However long a partner asks us to wait, it is asked again after a day.
pub(super) const LONGEST_AFTER: Duration = Duration::from_secs(24 * 3600);

/// When a failing job is given up: after so many attempts, but not before it is so old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// At least so many attempts.
    pub attempts: u32,
    /// At least for so long.
    pub patience: Duration,
    /// How long one run may take.
    pub timeout: Duration,
    /// The pause after the first attempt; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Policy {
    /// For work on our own rows, which a pause seldom helps: five attempts, half a minute in all.
    pub const FEW_TRIES: Self = Self {
        attempts: 5,
        patience: Duration::ZERO,
        timeout: Duration::from_secs(60),
        first_pause: Duration::from_secs(2),
        longest_pause: Duration::from_secs(3600),
    };

    /// For work at a partner, who may be down for a weekend: three days and some, about 85 attempts, hourly in the end.
    pub const DAYS: Self = Self { patience: Duration::from_secs(76 * 3600), ..Self::FEW_TRIES };

    /// Whether a job that just failed is given up.
    pub(super) fn is_out_of_patience(&self, attempts: u32, age: Duration) -> bool {
        attempts >= self.attempts && age >= self.patience
    }

    /// How long to wait after the `attempts`th failure: doubled each time, and up to a quarter longer by chance, so that
    /// jobs that failed together do not come back together.
    pub(super) fn pause(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        longer_by_chance(self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause), 4)
    }
}

/// `pause` and up to one `part`th of it more; never less, because a partner that names a time means it.
pub fn longer_by_chance(pause: Duration, part: u32) -> Duration {
    // The low half of a random UUID is random bits.
    let chance = Uuid::new_v4().as_u128() as u32;
    pause + (pause / part).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_doubles_up_to_the_longest_and_is_never_shorter_than_that(attempts in 0_u32..200) {
            let policy = Policy::FEW_TRIES;
            let plain = policy.first_pause.as_secs_f64() * 2_f64.powi(attempts.saturating_sub(1) as i32);
            let plain = plain.min(policy.longest_pause.as_secs_f64());
            let pause = policy.pause(attempts).as_secs_f64();
            prop_assert!(pause >= plain - 1e-6 && pause <= plain * 1.25 + 1e-6, "{pause} for {attempts}, plain {plain}");
        }
    }

    #[test]
    fn work_at_a_partner_outlives_72_hours_with_at_most_40_attempts_a_day() {
        let policy = Policy::DAYS;
        let (mut age, mut attempts, mut in_the_first_day) = (Duration::ZERO, 0, 0);
        loop {
            attempts += 1;
            if policy.is_out_of_patience(attempts, age) {
                break;
            }
            age += policy.pause(attempts);
            in_the_first_day += u32::from(age < Duration::from_secs(24 * 3600));
        }
        assert!(age >= Duration::from_secs(72 * 3600), "{age:?}");
        assert!(in_the_first_day <= 40, "{in_the_first_day}");
    }

    #[test]
    fn few_tries_are_few() {
        assert!(!Policy::FEW_TRIES.is_out_of_patience(4, Duration::MAX));
        assert!(Policy::FEW_TRIES.is_out_of_patience(5, Duration::ZERO));
    }
}
