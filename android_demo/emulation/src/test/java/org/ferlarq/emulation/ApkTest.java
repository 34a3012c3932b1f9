package org.ferlarq.emulation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipFile;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.Test;

/** The very libraries and the model of a finished APK, on a 64-bit ARM processor. */
public class ApkTest {
  private static final int FACE_BYTES = 48 * 48;

  /** What TensorFlow Lite reads of the processor; without them it would leave XNNPACK out. */
  private static final String[] PHONE_FILES = {
    "proc/cpuinfo", "sys/devices/system/cpu/possible", "sys/devices/system/cpu/present"
  };

  private static final String[] LIBRARIES = {
    "libtensorflowlite_jni.so", "liblce_delegate_jni.so", "libpacked_network.so"
  };

  private static EmulatedPhone phone;
  private static EmulatedPhone.Classifier classifier;
  private static EmulatedPhone.Classifier core;

  @BeforeClass
  public static void start() throws IOException {
    System.setIn(new ByteArrayInputStream(new byte[0])); // a fault would ask there what to do
    phone = new EmulatedPhone(copyOfPhone());
    for (String library : LIBRARIES) {
      File file = new File(System.getProperty("work"), library);
      Files.write(file.toPath(), fromApk("lib/arm64-v8a/" + library));
      phone.load(file);
    }
    byte[] model = fromApk("assets/expressions.tflite");
    classifier = phone.open(model);
    core = phone.openCore(model);
  }

  /** The phone's files; the emulator writes among them, so it gets a copy. */
  private static File copyOfPhone() throws IOException {
    Path source = Path.of(System.getProperty("phone"));
    Path target = Files.createTempDirectory(Path.of(System.getProperty("work")), "phone");
    for (String name : PHONE_FILES) {
      Files.createDirectories(target.resolve(name).getParent());
      Files.copy(source.resolve(name), target.resolve(name));
    }
    return target.toFile();
  }

  @AfterClass
  public static void stop() throws IOException {
    if (phone != null) phone.close();
  }

  private static byte[] fromApk(String name) throws IOException {
    try (ZipFile apk = new ZipFile(System.getProperty("apk"));
        InputStream content = apk.getInputStream(apk.getEntry(name))) {
      return content.readAllBytes();
    }
  }

  private static byte[] face(int index) throws IOException {
    byte[] faces = Files.readAllBytes(Path.of(System.getProperty("faces")));
    return Arrays.copyOfRange(faces, index * FACE_BYTES, (index + 1) * FACE_BYTES);
  }

  @Test
  public void theScoresOfGoldenFacesAreThoseOfPythonBitForBit() throws IOException {
    checkScores(classifier);
  }

  @Test
  public void theCoreAloneGivesTheSameScores() throws IOException {
    checkScores(core);
  }

  private void checkScores(EmulatedPhone.Classifier checked) throws IOException {
    byte[] content = Files.readAllBytes(Path.of(System.getProperty("scores")));
    FloatBuffer expected = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    assertTrue(expected.limit() >= 7 * 16);
    for (int i = 0; i < expected.limit() / 7; i++) {
      float[] scores = checked.scores(face(i));
      for (int k = 0; k < 7; k++) {
        assertEquals(
            "face " + i + ", score " + k,
            Float.floatToRawIntBits(expected.get(7 * i + k)),
            Float.floatToRawIntBits(scores[k]));
      }
    }
  }

  @Test
  public void anotherFaceGetsOtherScores() throws IOException {
    assertFalse(Arrays.equals(classifier.scores(face(0)), classifier.scores(face(1))));
    assertFalse(Arrays.equals(core.scores(face(0)), core.scores(face(1))));
  }
}
