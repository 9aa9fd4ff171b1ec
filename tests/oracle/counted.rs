// Rust whose owners of memory know how much they asked for: says "ready", waits for a line, and says what it counted.
use std::collections::BTreeMap;
use std::io;
use std::thread::sleep;
use std::time::Duration;

const TOTAL: usize = 400 << 20;
const STEP: usize = 1 << 20;

struct Index {
    entries: BTreeMap<usize, Vec<u8>>,
    bytes: usize,
}

impl Index {
    #[inline(never)]
    fn insert(&mut self, size: usize) {
        self.entries.insert(self.bytes, vec![1; size]);
        self.bytes += size;
    }
}

trait Log {
    fn append(&mut self, size: usize);
}

struct Journal<T> {
    lines: Vec<Vec<T>>,
    bytes: usize,
}

impl Log for Journal<u64> {
    #[inline(never)]
    fn append(&mut self, size: usize) {
        self.lines.push(vec![2; size / 8]);
        self.bytes += size;
    }
}

fn spike(index: &mut Index, journal: &mut dyn Log) {
    let mut state: u64 = 88172645463325252; // xorshift: no pattern that a sampler may fall in with
    let (mut done, mut next) = (0, STEP);
    while done < TOTAL {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let size = 1024 + (state % 2048) as usize * 8;
        if (state >> 20) % 10 < 7 {
            index.insert(size);
        } else {
            journal.append(size);
        }
        done += size;
        if done >= next {
            next += STEP;
            sleep(Duration::from_millis(2)); // so slow that a stack may be taken of each rise
        }
    }
}

fn main() {
    println!("ready");
    io::stdin().read_line(&mut String::new()).unwrap();
    let mut index = Index { entries: BTreeMap::new(), bytes: 0 };
    let mut journal = Journal::<u64> { lines: Vec::new(), bytes: 0 };
    spike(&mut index, &mut journal);
    println!("counted Index::insert={} Log>::append={}", index.bytes, journal.bytes);
}
