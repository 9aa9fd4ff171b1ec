// Allocates and drops: batches of short-lived arrays, of which a few live a little longer.
import java.util.Arrays;

public class Churn {
  private static final int ARRAYS = 2000;
  private static final int KEPT = 4096;

  public static void main(String[] arguments) {
    int batches = Integer.parseInt(arguments[0]);
    byte[][] kept = new byte[KEPT][];
    long[] tookNs = new long[batches];
    int seed = 1;
    for (int batch = 0; batch < batches; batch++) {
      long begin = System.nanoTime();
      for (int i = 0; i < ARRAYS; i++) {
        seed = seed * 1103515245 + 12345;
        byte[] array = new byte[64 + (seed >>> 16) % 4096];
        array[array.length - 1] = (byte) seed;
        if (i % 16 == 0) {
          kept[(seed >>> 8) % KEPT] = array;
        }
      }
      tookNs[batch] = System.nanoTime() - begin;
    }
    Arrays.sort(tookNs);
    System.out.println("units=" + batches + " p99_us=" + tookNs[(int) (batches * 0.99)] / 1e3);
  }
}
