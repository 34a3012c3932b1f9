package org.ferlarq.lce;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.lite.Delegate;

/**
 * Runs the operators of Larq Compute Engine (LceQuantize, LceDequantize, LceBconv2d,
 * LceBMaxPool2d) on a stock TensorFlow Lite, which does not know them.
 *
 * <pre>{@code
 * try (LceDelegate delegate = new LceDelegate();
 *     Interpreter interpreter =
 *         new Interpreter(model, new Interpreter.Options().addDelegate(delegate))) {
 *   interpreter.run(input, output);
 * }
 * }</pre>
 *
 * <p>A delegate must outlive the interpreters that use it, as it does above: resources are closed
 * in the reverse order. Several interpreters may share one, also from several threads.
 */
public final class LceDelegate implements Delegate {
  static {
    System.loadLibrary("lce_delegate_jni");
  }

  private long handle;

  /** A delegate with as many threads as its first interpreter has, and the fastest kernels. */
  public LceDelegate() {
    this(0, null);
  }

  /**
   * @param numThreads threads that share a convolution, 1 to 64; 0 takes the number that the first
   *     interpreter was given.
   * @param kernel one of {@link #kernels()}; null takes the fastest.
   * @throws IllegalArgumentException in one line, if an argument is out of range.
   */
  public LceDelegate(int numThreads, String kernel) {
    handle = create(numThreads, kernel);
  }

  /** Names of the sets of kernels that this processor runs, the fastest first. */
  public static List<String> kernels() {
    List<String> names = new ArrayList<>();
    for (String name = kernelName(0); name != null; name = kernelName(names.size())) {
      names.add(name);
    }
    return names;
  }

  /** Name of the kernels that this delegate runs, for example "neon". */
  public synchronized String kernel() {
    return kernelOf(open());
  }

  @Override
  public synchronized long getNativeHandle() {
    return open();
  }

  /** Frees the delegate. The interpreters that use it must be closed before. */
  @Override
  public synchronized void close() {
    if (handle != 0) delete(handle);
    handle = 0;
  }

  private long open() {
    if (handle == 0) throw new IllegalStateException("this LceDelegate is closed");
    return handle;
  }

  private static native long create(int numThreads, String kernel);

  private static native void delete(long handle);

  private static native String kernelOf(long handle);

  private static native String kernelName(int index);
}
