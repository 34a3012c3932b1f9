package org.ferlarq.demo

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Rect
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.provider.MediaStore
import android.provider.Settings
import android.view.View
import android.view.WindowInsets
import android.widget.Button
import java.util.concurrent.Executor
import org.ferlarq.demo.live.LiveController
import org.ferlarq.demo.live.LiveScreen
import org.ferlarq.demo.model.ModelController
import org.ferlarq.demo.model.ModelScreen
import org.ferlarq.demo.photo.PhotoController
import org.ferlarq.demo.photo.PhotoScreen
import org.ferlarq.demo.photo.PictureProvider

/** The app's one window: three screens, of which one is seen. */
class MainActivity : Activity() {
    val store = Store(::render)

    private lateinit var liveScreen: LiveScreen
    private lateinit var photoScreen: PhotoScreen
    private lateinit var modelScreen: ModelScreen
    private lateinit var live: LiveController
    private lateinit var photo: PhotoController
    private lateinit var model: ModelController
    private lateinit var tabs: Map<Tab, Button>
    private lateinit var screens: Map<Tab, View>
    private var resumed = false
    private var asking = false

    private val displays get() = getSystemService(DisplayManager::class.java)
    private val displayListener = object : DisplayManager.DisplayListener {
        override fun onDisplayAdded(display: Int) = Unit

        override fun onDisplayRemoved(display: Int) = Unit

        override fun onDisplayChanged(display: Int) = liveScreen.setPreviewUpright()
    }

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.main)
        findViewById<View>(R.id.window).setOnApplyWindowInsetsListener(::keepClear)
        val foundations = (application as Demo).foundations
        val handler = Handler(Looper.getMainLooper())
        val main = Executor { handler.post(it) }

        screens = mapOf(
            Tab.LIVE to findViewById(R.id.live),
            Tab.PHOTO to findViewById(R.id.photo),
            Tab.MODEL to findViewById(R.id.model),
        )
        liveScreen = LiveScreen(screens.getValue(Tab.LIVE), ::goOn, onSwitch = { live.switchLens() })
        photoScreen =
            PhotoScreen(screens.getValue(Tab.PHOTO), ::goOn, ::choosePicture, ::takePicture, ::share)
        modelScreen = ModelScreen(screens.getValue(Tab.MODEL), onMeasure = { model.measure() })
        live = LiveController(foundations, store, liveScreen.preview, main)
        photo = PhotoController(applicationContext, foundations, store, main)
        model = ModelController(foundations, store, main)

        tabs = mapOf(
            Tab.LIVE to findViewById(R.id.tab_live),
            Tab.PHOTO to findViewById(R.id.tab_photo),
            Tab.MODEL to findViewById(R.id.tab_model),
        )
        for ((tab, button) in tabs) button.setOnClickListener { select(tab) }
        render(store.state, before = null)
        model.readCard()
        if (saved != null) restore(saved)
    }

    /** Keeps the screens clear of the system's bars and, where there is one, of a camera's hole. */
    @Suppress("DEPRECATION") // what replaces it came with API 30
    private fun keepClear(window: View, insets: WindowInsets): WindowInsets {
        val hole = if (Build.VERSION.SDK_INT >= 28) holeIn(insets) else NO_HOLE
        window.setPadding(
            maxOf(insets.systemWindowInsetLeft, hole.left),
            maxOf(insets.systemWindowInsetTop, hole.top),
            maxOf(insets.systemWindowInsetRight, hole.right),
            maxOf(insets.systemWindowInsetBottom, hole.bottom),
        )
        return insets.consumeSystemWindowInsets()
    }

    @SinceAndroid(28)
    private fun holeIn(insets: WindowInsets): Rect {
        val hole = insets.displayCutout ?: return NO_HOLE
        return Rect(hole.safeInsetLeft, hole.safeInsetTop, hole.safeInsetRight, hole.safeInsetBottom)
    }

    private fun restore(saved: Bundle) {
        val tab = saved.getString(SAVED_TAB)?.let(Tab::valueOf)
        if (tab != null) store.update { it.copy(tab = tab) }
        saved.getString(SAVED_PICTURE)?.let { photo.read(Uri.parse(it)) }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(SAVED_TAB, store.state.tab.name)
        photo.source?.let { state.putString(SAVED_PICTURE, it.toString()) }
    }

    private fun render(state: ScreenState, before: ScreenState?) {
        if (state.tab != before?.tab) {
            for ((tab, button) in tabs) button.isSelected = tab == state.tab
            for ((tab, screen) in screens) {
                screen.visibility = if (tab == state.tab) View.VISIBLE else View.GONE
            }
        }
        if (state.live !== before?.live) liveScreen.render(state.live)
        if (state.photo !== before?.photo) photoScreen.render(state.photo)
        if (state.model !== before?.model) modelScreen.render(state.model)
    }

    private fun select(tab: Tab) {
        if (tab == store.state.tab) return
        store.update { it.copy(tab = tab) }
        if (tab == Tab.LIVE) startLive() else live.stop()
    }

    override fun onResume() {
        super.onResume()
        resumed = true
        displays.registerDisplayListener(displayListener, null)
        if (store.state.tab == Tab.LIVE) startLive()
    }

    override fun onPause() {
        resumed = false
        displays.unregisterDisplayListener(displayListener)
        live.stop()
        super.onPause()
    }

    override fun onConfigurationChanged(configuration: Configuration) {
        super.onConfigurationChanged(configuration)
        liveScreen.arrange()
        photoScreen.arrange()
    }

    private fun hasCameraPermission() =
        checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private fun startLive() {
        if (!resumed || asking) return
        val refused = (store.state.live as? LiveState.Stopped)?.problem in REFUSALS
        when {
            hasCameraPermission() -> live.start()
            refused -> Unit // the sentence with its button stays
            else -> askForCamera()
        }
    }

    private fun askForCamera() {
        asking = true
        requestPermissions(arrayOf(Manifest.permission.CAMERA), ASK_FOR_CAMERA)
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) {
        asking = false
        if (code != ASK_FOR_CAMERA) return
        if (results.firstOrNull() == PackageManager.PERMISSION_GRANTED) {
            if (store.state.tab == Tab.LIVE) startLive()
            return
        }
        // No results: the question was interrupted, by a turn of the phone or the like.
        val mayAskAgain =
            results.isEmpty() || shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        val problem = if (mayAskAgain) Problem.CAMERA_DENIED else Problem.CAMERA_DENIED_FOR_GOOD
        store.updateLive(LiveState.Stopped(problem))
    }

    /** Does what the button below a sentence promises. */
    private fun goOn(problem: Problem) {
        when (problem.wayOn) {
            WayOn.ASK_FOR_CAMERA -> askForCamera()
            WayOn.SETTINGS -> openSettings()
            WayOn.PHOTO_TAB -> select(Tab.PHOTO)
            WayOn.MODEL_TAB -> select(Tab.MODEL)
            WayOn.RESTART_CAMERA -> startLive()
            WayOn.CHOOSE_PICTURE -> choosePicture()
            WayOn.SHOW_PICTURE -> photo.readAgain()
        }
    }

    private fun openSettings() {
        val app = Uri.fromParts("package", packageName, null)
        startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app))
    }

    private fun choosePicture() {
        val intent = Intent(Intent.ACTION_GET_CONTENT).setType("image/*")
        startForPicture(intent.addCategory(Intent.CATEGORY_OPENABLE), CHOOSE)
    }

    private fun takePicture() {
        val target = PictureProvider.uriOf(PictureProvider.TAKEN)
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, target)
        intent.clipData = ClipData.newRawUri(null, target) // the permission below goes with it
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION or Intent.FLAG_GRANT_WRITE_URI_PERMISSION)
        startForPicture(intent, TAKE)
    }

    private fun startForPicture(intent: Intent, code: Int) {
        try {
            startActivityForResult(intent, code)
        } catch (_: ActivityNotFoundException) {
            photo.fail(Problem.NO_APP_FOR_IT)
        } catch (_: SecurityException) { // a camera app may only be asked with the permission
            photo.fail(Problem.NO_APP_FOR_IT)
        }
    }

    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        if (result != RESULT_OK) return
        when (code) {
            CHOOSE -> data?.data?.let(photo::read)
            TAKE -> photo.read(PictureProvider.uriOf(PictureProvider.TAKEN))
        }
    }

    private fun share(read: PhotoState.Read) = photo.prepareSharing(read) { uri ->
        val intent = Intent(Intent.ACTION_SEND).setType("image/jpeg").putExtra(Intent.EXTRA_STREAM, uri)
        intent.clipData = ClipData.newRawUri(null, uri)
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        startActivity(Intent.createChooser(intent, getString(R.string.share)))
    }

    private companion object {
        const val ASK_FOR_CAMERA = 1
        const val CHOOSE = 2
        const val TAKE = 3
        const val SAVED_TAB = "tab"
        const val SAVED_PICTURE = "picture"
        val NO_HOLE = Rect()
        val REFUSALS = setOf(Problem.CAMERA_DENIED, Problem.CAMERA_DENIED_FOR_GOOD)
    }
}
