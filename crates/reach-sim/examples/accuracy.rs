//! Prints how often the verdict is right: `cargo run --release -p reach-sim --example accuracy -- [SEEDS]`.

fn main() {
    let seeds = std::env::args().nth(1).and_then(|seeds| seeds.parse().ok()).unwrap_or(10);
    print!("{}", reach_sim::accuracy::accuracy_table(seeds));
}
