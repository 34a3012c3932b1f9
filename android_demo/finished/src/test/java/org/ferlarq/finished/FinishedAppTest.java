package org.ferlarq.finished;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;
import static org.robolectric.Shadows.shadowOf;

import android.Manifest;
import android.app.Activity;
import android.app.Application;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.net.Uri;
import android.os.Looper;
import android.view.TextureView;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.BooleanSupplier;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowCameraCharacteristics;

/** The finished APK from outside, as a user meets it: windows, buttons, sentences. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, qualifiers = "en-rUS-w360dp-h720dp-port-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public class FinishedAppTest {
  private static final String PACKAGE = "org.ferlarq.demo";
  private static final long PATIENCE_SECONDS = 120; // the real networks, on a busy machine

  private final Application application = RuntimeEnvironment.getApplication();
  private ActivityController<? extends Activity> controller;
  private Activity activity;

  @Before
  public void theAppsOwnClassRuns() {
    assertEquals(PACKAGE + ".Demo", application.getClass().getName());
  }

  private void start() throws ClassNotFoundException {
    Class<?> window = Class.forName(PACKAGE + ".MainActivity");
    controller = Robolectric.buildActivity(window.asSubclass(Activity.class)).setup();
    activity = controller.get();
  }

  private void allowCamera() {
    shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
  }

  private <T extends View> T view(String name) {
    int id = activity.getResources().getIdentifier(name, "id", PACKAGE);
    assertNotEquals(name + " is no view of the app", 0, id);
    return activity.findViewById(id);
  }

  private void click(String name) {
    this.<View>view(name).performClick();
    shadowOf(Looper.getMainLooper()).idle();
  }

  private String text(String name) {
    return this.<TextView>view(name).getText().toString();
  }

  /** Waits for work that the app does on threads of its own. */
  private void await(String what, BooleanSupplier done) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    while (System.nanoTime() < end) {
      shadowOf(Looper.getMainLooper()).idle();
      if (done.getAsBoolean()) return;
      Thread.sleep(20);
    }
    throw new AssertionError(what + " did not happen in " + PATIENCE_SECONDS + " seconds");
  }

  /** Draws the window; how many colours it shows. */
  private long coloursOfWindow() {
    View window = activity.getWindow().getDecorView();
    Bitmap picture =
        Bitmap.createBitmap(window.getWidth(), window.getHeight(), Bitmap.Config.ARGB_8888);
    window.draw(new Canvas(picture));
    int[] pixels = new int[picture.getWidth() * picture.getHeight()];
    picture.getPixels(
        pixels, 0, picture.getWidth(), 0, 0, picture.getWidth(), picture.getHeight());
    return java.util.Arrays.stream(pixels).distinct().count();
  }

  private static File golden(String name) {
    return new File(System.getProperty("golden"), name);
  }

  private static FileInputStream stream(File file) {
    try {
      return new FileInputStream(file);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Test
  public void withoutThePermissionThereIsASentenceAndAWayOn() throws Exception {
    start();
    int[] denied = {-1};
    activity.onRequestPermissionsResult(1, new String[] {Manifest.permission.CAMERA}, denied);
    shadowOf(Looper.getMainLooper()).idle();
    View panel = view("live_problem");
    assertEquals(View.VISIBLE, panel.getVisibility());
    assertEquals("Open the settings", text("problem_action"));
    assertTrue(coloursOfWindow() > 10);
  }

  @Test
  public void aWindowMadeAnewShowsTheSameScreen() throws Exception {
    start();
    click("tab_photo");
    controller.recreate();
    activity = controller.get();
    assertTrue(this.<View>view("tab_photo").isSelected());
    assertEquals(View.VISIBLE, this.<View>view("photo").getVisibility());
  }

  @Test
  public void theModelDescribesItselfAndIsMeasured() throws Exception {
    allowCamera();
    start();
    click("tab_model");
    await("the model's description", () -> text("fact_details").contains("Network"));
    assertTrue(text("fact_accuracy").endsWith("%"));
    click("measure");
    await("the measurement", () -> text("timings").lines().filter(x -> x.contains("ms")).count() == 3);
    assertTrue(coloursOfWindow() > 10);
  }

  @Test
  public void aPhotographIsReadAsPythonReadsItAndShared() throws Exception {
    File picture = golden("picture.png");
    assumeTrue("scikit-image is not here, so there is no photograph", picture.isFile());
    JSONObject expected =
        new JSONArray(new String(stream(golden("picture.json")).readAllBytes(), "UTF-8"))
            .getJSONObject(0);
    Uri uri = Uri.parse("content://elsewhere/picture");
    shadowOf(application.getContentResolver())
        .registerInputStreamSupplier(uri, () -> stream(picture));
    allowCamera();
    start();
    click("tab_photo");
    click("choose");
    Intent question = shadowOf(activity).getNextStartedActivityForResult().intent;
    shadowOf(activity).receiveResult(question, Activity.RESULT_OK, new Intent().setData(uri));
    View shown = view("picture");
    await("an answer", () -> shown.isShown() && shown.getContentDescription() != null);
    String word = expected.getString("expression");
    String name = word.substring(0, 1).toUpperCase() + word.substring(1);
    assertEquals("1 face: " + name, shown.getContentDescription());
    assertTrue(coloursOfWindow() > 1000);
    shadowOf(activity).clearNextStartedActivities();
    click("share");
    await("the question whom to share with", () -> shadowOf(activity).peekNextStartedActivity() != null);
    assertEquals(Intent.ACTION_CHOOSER, shadowOf(activity).getNextStartedActivity().getAction());
    assertTrue(new File(application.getCacheDir(), "expressions.jpg").length() > 10_000);
  }

  @Test
  public void theCameraIsOpenedInTheForegroundAndClosedBehindIt() throws Exception {
    addCamera("0", CameraCharacteristics.LENS_FACING_BACK);
    addCamera("1", CameraCharacteristics.LENS_FACING_FRONT);
    allowCamera();
    start();
    TextureView preview = view("preview");
    await("the wish for a surface", () -> preview.getSurfaceTextureListener() != null);
    SurfaceTexture texture = new SurfaceTexture(false);
    preview.setSurfaceTexture(texture);
    preview.getSurfaceTextureListener().onSurfaceTextureAvailable(texture, 480, 640);
    View switchCamera = view("switch_camera"); // there once a camera runs and there are two
    await("the camera's start", () -> switchCamera.getVisibility() == View.VISIBLE);
    assertEquals(View.GONE, this.<View>view("live_problem").getVisibility());
    controller.pause().stop();
    shadowOf(Looper.getMainLooper()).idle();
    assertNull(preview.getSurfaceTextureListener());
  }

  private void addCamera(String name, int facing) {
    CameraCharacteristics camera = ShadowCameraCharacteristics.newCameraCharacteristics();
    ShadowCameraCharacteristics shadow = Shadow.extract(camera);
    shadow.set(CameraCharacteristics.LENS_FACING, facing);
    shadowOf(application.getSystemService(CameraManager.class)).addCamera(name, camera);
  }
}
