package org.ferlarq.emulation;

import com.github.unidbg.AndroidEmulator;
import com.github.unidbg.Emulator;
import com.github.unidbg.arm.Arm64Svc;
import com.github.unidbg.arm.backend.DynarmicFactory;
import com.github.unidbg.arm.context.RegisterContext;
import com.github.unidbg.linux.android.AndroidEmulatorBuilder;
import com.github.unidbg.linux.android.AndroidResolver;
import com.github.unidbg.linux.android.dvm.DvmClass;
import com.github.unidbg.linux.android.dvm.DvmObject;
import com.github.unidbg.linux.android.dvm.VM;
import com.github.unidbg.linux.android.dvm.jni.ProxyClassFactory;
import com.github.unidbg.linux.android.dvm.jni.ProxyDvmObject;
import com.github.unidbg.memory.SvcMemory;
import com.github.unidbg.pointer.UnidbgPointer;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A 64-bit ARM processor with Android's C library and as much of a Java machine as native methods
 * need. It calls the native methods of org.tensorflow.lite and of org.ferlarq.lce as their classes
 * do.
 */
final class EmulatedPhone implements Closeable {
  private static final int POINTER = 8;
  private static final int PAGE = 4096;
  private static final int READ_WRITE = 3;
  private static final int SCORES = 7;

  private final AndroidEmulator emulator;
  private final VM vm;

  EmulatedPhone(File files) {
    emulator =
        AndroidEmulatorBuilder.for64Bit()
            .setProcessName("org.ferlarq.demo")
            .setRootDir(files)
            .addBackendFactory(new DynarmicFactory(false))
            .build();
    emulator.getMemory().setLibraryResolver(new AndroidResolver(23));
    vm = emulator.createDalvikVM();
    vm.setDvmClassFactory(new ProxyClassFactory());
    fillInDirectBuffers();
  }

  /** A direct ByteBuffer over the phone's memory. */
  private static final class DirectBuffer extends DvmObject<Object> {
    final UnidbgPointer address;
    final long capacity;

    DirectBuffer(VM vm, UnidbgPointer address, long capacity) {
      super(vm.resolveClass("java/nio/ByteBuffer"), null);
      this.address = address;
      this.capacity = capacity;
    }
  }

  private interface JniFunction {
    long call(RegisterContext arguments);
  }

  /** unidbg 0.9.8 leaves these three functions of JNI out. */
  private void fillInDirectBuffers() {
    final int newDirectByteBuffer = 229, getAddress = 230, getCapacity = 231;
    put(
        newDirectByteBuffer,
        arguments ->
            vm.addLocalObject(
                new DirectBuffer(
                    vm, (UnidbgPointer) arguments.getPointerArg(1), arguments.getLongArg(2))));
    put(getAddress, arguments -> buffer(arguments).address.peer);
    put(getCapacity, arguments -> buffer(arguments).capacity);
  }

  private DirectBuffer buffer(RegisterContext arguments) {
    return (DirectBuffer) vm.<DvmObject<?>>getObject(arguments.getIntArg(1));
  }

  private void put(int slot, JniFunction function) {
    UnidbgPointer table = ((UnidbgPointer) vm.getJNIEnv()).getPointer(0);
    SvcMemory memory = emulator.getSvcMemory();
    table.setPointer(
        (long) slot * POINTER,
        memory.registerSvc(
            new Arm64Svc() {
              @Override
              public long handle(Emulator<?> caller) {
                return function.call(caller.getContext());
              }
            }));
  }

  void load(File library) {
    vm.loadLibrary(library, true);
  }

  private DirectBuffer copy(byte[] content) {
    int bytes = (content.length + PAGE - 1) / PAGE * PAGE;
    UnidbgPointer address = emulator.getMemory().mmap(bytes, READ_WRITE);
    address.write(0, content, 0, content.length);
    return new DirectBuffer(vm, address, content.length);
  }

  /** Gives seven scores of a face of 48 x 48 bytes. */
  interface Classifier {
    float[] scores(byte[] face);
  }

  /** An interpreter of TensorFlow Lite with our delegate. */
  Classifier open(byte[] model) {
    return new Interpreter(model);
  }

  /** The core of lce_delegate alone, as the app uses it where TensorFlow Lite does not load. */
  Classifier openCore(byte[] model) {
    DvmClass network = vm.resolveClass("org/ferlarq/demo/inference/PackedNetwork");
    long handle =
        network.callStaticJniMethodLong(emulator, "open(Ljava/nio/ByteBuffer;)J", copy(model));
    if (handle == 0) throw new IllegalStateException("the network could not be opened");
    String run = "run(JLjava/nio/ByteBuffer;Ljava/nio/ByteBuffer;)V";
    return face -> {
      DirectBuffer scores = copy(new byte[SCORES * Float.BYTES]);
      network.callStaticJniMethod(emulator, run, handle, copy(face), scores);
      return floats(scores);
    };
  }

  private static float[] floats(DirectBuffer buffer) {
    float[] values = new float[(int) buffer.capacity / Float.BYTES];
    for (int i = 0; i < values.length; i++) {
      values[i] = buffer.address.getFloat((long) i * Float.BYTES);
    }
    return values;
  }

  private final class Interpreter implements Classifier {
    private final DvmClass wrapper =
        vm.resolveClass("org/tensorflow/lite/NativeInterpreterWrapper");
    private final DvmClass tensor = vm.resolveClass("org/tensorflow/lite/TensorImpl");
    private final long errors;
    private final long interpreter;
    private final long input;
    private final long output;

    private Interpreter(byte[] content) {
      errors = wrapper.callStaticJniMethodLong(emulator, "createErrorReporter(I)J", 512);
      String create = "createModelWithBuffer(Ljava/nio/ByteBuffer;J)J";
      long model = wrapper.callStaticJniMethodLong(emulator, create, copy(content), errors);
      long delegate =
          vm.resolveClass("org/ferlarq/lce/LceDelegate")
              .callStaticJniMethodLong(emulator, "create(ILjava/lang/String;)J", 1, null);
      DvmObject<?> delegates =
          ProxyDvmObject.createObject(vm, new ArrayList<>(List.of(delegate)));
      create = "createInterpreter(JJIZLjava/util/List;)J";
      int threads = 1, xnnpack = 1;
      interpreter =
          wrapper.callStaticJniMethodLong(
              emulator, create, model, errors, threads, xnnpack, delegates);
      if (errors == 0 || model == 0 || delegate == 0 || interpreter == 0) {
        throw new IllegalStateException("the interpreter could not be made");
      }
      wrapper.callStaticJniMethodLong(emulator, "allocateTensors(JJ)J", interpreter, errors);
      input = tensorOf("getInputTensorIndex(JI)I");
      output = tensorOf("getOutputTensorIndex(JI)I");
    }

    private long tensorOf(String method) {
      int index = wrapper.callStaticJniMethodInt(emulator, method, interpreter, 0);
      return tensor.callStaticJniMethodLong(emulator, "create(JII)J", interpreter, index, 0);
    }

    @Override
    public float[] scores(byte[] face) {
      String write = "writeDirectBuffer(JLjava/nio/Buffer;)V";
      tensor.callStaticJniMethod(emulator, write, input, copy(face));
      wrapper.callStaticJniMethod(emulator, "run(JJ)V", interpreter, errors);
      String read = "buffer(J)Ljava/nio/ByteBuffer;";
      DirectBuffer buffer =
          (DirectBuffer)
              (DvmObject<?>) tensor.callStaticJniMethodObject(emulator, read, output);
      return floats(buffer);
    }
  }

  @Override
  public void close() throws IOException {
    emulator.close();
  }
}
