// Go whose owners of memory know how much they asked for: says "ready", waits for a line, and says what it counted.
package main

import (
	"fmt"
	"time"
)

const (
	total = 400 << 20
	step  = 1 << 20
)

var sizes = [4]int{4096, 8192, 16384, 32768} // of Go's own classes: nothing is rounded up

func touch(block []byte) []byte {
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	return block
}

type Index struct {
	entries map[int][]byte
	bytes   int
}

//go:noinline
func (x *Index) insert(size int) {
	x.entries[x.bytes] = touch(make([]byte, size))
	x.bytes += size
}

type Journal struct {
	lines [][]byte
	bytes int
}

//go:noinline
func (j *Journal) grow(size int) {
	j.lines = append(j.lines, touch(make([]byte, size)))
	j.bytes += size
}

func spike(index *Index, journal *Journal) {
	state := uint64(88172645463325252) // xorshift: no pattern that a sampler may fall in with
	next := step
	for done := 0; done < total; {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		size := sizes[state%4]
		if (state>>20)%10 < 7 {
			index.insert(size)
		} else {
			journal.grow(size)
		}
		done += size
		if done >= next {
			next += step
			time.Sleep(2 * time.Millisecond) // so slow that a stack may be taken of each rise
		}
	}
}

func main() {
	var line string
	fmt.Println("ready")
	fmt.Scanln(&line)
	index := Index{entries: map[int][]byte{}}
	journal := Journal{}
	spike(&index, &journal)
	fmt.Printf("counted main.(*Index).insert=%d main.(*Journal).grow=%d\n", index.bytes, journal.bytes)
}
