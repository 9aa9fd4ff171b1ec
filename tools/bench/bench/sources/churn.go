// Allocates and drops: batches of short-lived slices, and a map that lives.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)

const (
	slices = 2000
	kept   = 4096
)

func main() {
	batches, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	alive := map[uint32][]byte{}
	tookNs := make([]float64, batches)
	seed := uint32(1)
	for batch := range tookNs {
		begin := time.Now()
		for i := 0; i < slices; i++ {
			seed = seed*1103515245 + 12345
			slice := make([]byte, 64+(seed>>16)%4096)
			slice[len(slice)-1] = byte(seed)
			if i%16 == 0 {
				alive[(seed>>8)%kept] = slice
			}
		}
		tookNs[batch] = float64(time.Since(begin).Nanoseconds())
	}
	sort.Float64s(tookNs)
	fmt.Printf("units=%d p99_us=%.1f\n", batches, tookNs[batches*99/100]/1e3)
}
