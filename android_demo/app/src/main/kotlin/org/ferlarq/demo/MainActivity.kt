package org.ferlarq.demo

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Rect
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.MediaStore
import android.provider.Settings
import android.view.HapticFeedbackConstants
import android.view.View
import android.view.WindowInsets
import android.widget.Toast
import java.io.Closeable
import org.ferlarq.demo.live.LiveScreen
import org.ferlarq.demo.live.LiveState
import org.ferlarq.demo.model.ModelScreen
import org.ferlarq.demo.photo.PhotoScreen
import org.ferlarq.demo.photo.PhotoState
import org.ferlarq.demo.sharing.SharedFiles
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.SinceAndroid
import org.ferlarq.demo.ui.WayOn

/** A window of the app: three places, of which one is seen. */
class MainActivity : Activity() {
    lateinit var model: WindowModel
        private set

    private lateinit var liveScreen: LiveScreen
    private val observations = mutableListOf<Closeable>()
    private var started = false

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
        @Suppress("DEPRECATION") // what replaces it is in a library
        val kept = lastNonConfigurationInstance as? WindowModel
        model = kept ?: WindowModel(applicationContext, (application as Demo).foundations)
        if (kept == null && saved != null) restore(saved)
        showTabs()
        showScreens()
    }

    @Deprecated("What replaces it is in a library.")
    override fun onRetainNonConfigurationInstance(): Any = model

    override fun onDestroy() {
        observations.forEach(Closeable::close)
        super.onDestroy()
    }

    private fun showTabs() {
        val buttons = mapOf(
            Tab.LIVE to R.id.tab_live,
            Tab.PHOTO to R.id.tab_photo,
            Tab.MODEL to R.id.tab_model,
        ).mapValues { findViewById<View>(it.value) }
        val screens = mapOf(
            Tab.LIVE to R.id.live,
            Tab.PHOTO to R.id.photo,
            Tab.MODEL to R.id.model,
        ).mapValues { findViewById<View>(it.value) }
        for ((tab, button) in buttons) button.setOnClickListener { select(tab) }
        observations += model.tab.observe { chosen ->
            for ((tab, button) in buttons) button.isSelected = tab == chosen
            for ((tab, screen) in screens) {
                if (tab == chosen && screen.visibility != View.VISIBLE) {
                    screen.alpha = 0f
                    screen.animate().alpha(1f).duration = FADE_MILLIS
                }
                screen.visibility = if (tab == chosen) View.VISIBLE else View.GONE
            }
        }
    }

    private fun showScreens() {
        liveScreen = LiveScreen(
            findViewById(R.id.live), ::goOn, onSwitch = ::switchLens, onShare = ::shareHistory,
        )
        val photoScreen = PhotoScreen(
            findViewById(R.id.photo), ::goOn, ::choosePicture, ::takePicture, ::sharePhoto,
        )
        val modelScreen = ModelScreen(
            findViewById(R.id.model), onMeasure = model.model::measure, onCancel = model.model::cancel,
        )
        observations += model.live.state.observe { liveScreen.render(it, model.live.history) }
        observations += model.photo.state.observe(photoScreen::render)
        observations += model.model.state.observe(modelScreen::render)
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

    /** What the system kept when it ended the app to have memory. */
    private fun restore(saved: Bundle) {
        saved.getString(SAVED_TAB)?.let { model.tab.set(Tab.valueOf(it)) }
        saved.getString(SAVED_PICTURE)?.let { model.photo.open(Uri.parse(it)) }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(SAVED_TAB, model.tab.state.name)
        model.photo.source?.let { state.putString(SAVED_PICTURE, it.toString()) }
    }

    private fun select(tab: Tab) {
        if (tab == model.tab.state) return
        model.tab.set(tab)
        if (tab == Tab.LIVE) startLive() else model.live.stop()
    }

    override fun onStart() {
        super.onStart()
        started = true
        displays.registerDisplayListener(displayListener, null)
        if (model.tab.state == Tab.LIVE) startLive()
    }

    override fun onStop() {
        started = false
        displays.unregisterDisplayListener(displayListener)
        model.live.stop()
        if (!isChangingConfigurations) model.hide()
        super.onStop()
    }

    /** Of several windows that are seen, the one that was touched last has the camera. */
    @SinceAndroid(29)
    override fun onTopResumedActivityChanged(isTop: Boolean) {
        if (isTop && model.tab.state == Tab.LIVE && model.live.isTakenAway) startLive()
    }

    private fun hasCameraPermission() =
        checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private fun startLive() {
        if (!started || model.asking) return
        val refused = (model.live.state.state as? LiveState.Stopped)?.problem in REFUSALS
        when {
            hasCameraPermission() -> model.live.start(liveScreen.preview)
            refused -> Unit // the sentence with its button stays
            else -> askForCamera(ASK_FOR_LIVE)
        }
    }

    private fun switchLens() {
        window.decorView.performHapticFeedback(HapticFeedbackConstants.VIRTUAL_KEY)
        model.live.switchLens()
    }

    private fun askForCamera(code: Int) {
        model.asking = true
        requestPermissions(arrayOf(Manifest.permission.CAMERA), code)
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) {
        model.asking = false
        val forLive = code == ASK_FOR_LIVE
        if (results.firstOrNull() == PackageManager.PERMISSION_GRANTED) {
            if (!forLive) takePicture() else if (model.tab.state == Tab.LIVE) startLive()
            return
        }
        // No results: the question was interrupted, by a turn of the phone or the like.
        val mayAskAgain =
            results.isEmpty() || shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        if (forLive) {
            model.live.refuse(if (mayAskAgain) Problem.CAMERA_DENIED else Problem.CAMERA_DENIED_FOR_GOOD)
        } else {
            model.photo.fail(if (mayAskAgain) Problem.TAKING_DENIED else Problem.TAKING_DENIED_FOR_GOOD)
        }
    }

    /** Does what the button below a sentence promises. */
    private fun goOn(problem: Problem) {
        when (problem.wayOn) {
            WayOn.ASK_FOR_CAMERA -> askForCamera(ASK_FOR_LIVE)
            WayOn.SETTINGS -> openSettings()
            WayOn.PHOTO_TAB -> select(Tab.PHOTO)
            WayOn.MODEL_TAB -> select(Tab.MODEL)
            WayOn.RESTART_CAMERA -> startLive()
            WayOn.TAKE_PICTURE -> takePicture()
            WayOn.SHOW_PICTURE -> model.photo.openAgain()
            null -> Unit
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

    /** An app that may use the camera needs the permission even to ask another app for a picture. */
    private fun takePicture() {
        if (!hasCameraPermission()) return askForCamera(ASK_FOR_TAKING)
        val target = SharedFiles.uriOf(SharedFiles.TAKEN)
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, target)
        intent.clipData = ClipData.newRawUri(null, target) // the permission below goes with it
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION or Intent.FLAG_GRANT_WRITE_URI_PERMISSION)
        startForPicture(intent, TAKE)
    }

    private fun startForPicture(intent: Intent, code: Int) {
        try {
            startActivityForResult(intent, code)
        } catch (_: ActivityNotFoundException) {
            model.photo.fail(Problem.NO_APP_FOR_IT)
        } catch (_: SecurityException) { // the permission was taken away a moment ago
            model.photo.fail(Problem.TAKING_DENIED)
        }
    }

    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        if (result != RESULT_OK) return
        when (code) {
            CHOOSE -> data?.data?.let(model.photo::open)
            TAKE -> model.photo.open(SharedFiles.uriOf(SharedFiles.TAKEN))
        }
    }

    private fun sharePhoto(analyzed: PhotoState.Analyzed) =
        model.photo.prepareSharing(analyzed, ::askWhomToShareWith)

    private fun shareHistory() = model.prepareSharingHistory(this) { written ->
        if (written.size == HISTORY_FILES) {
            askWhomToShareWith(written)
        } else {
            Toast.makeText(this, R.string.not_shared, Toast.LENGTH_LONG).show()
        }
    }

    private fun askWhomToShareWith(files: List<Uri>) {
        startActivity(SharedFiles.question(files, getString(R.string.share)))
    }

    private companion object {
        const val ASK_FOR_LIVE = 1
        const val ASK_FOR_TAKING = 2
        const val CHOOSE = 3
        const val TAKE = 4
        const val SAVED_TAB = "tab"
        const val SAVED_PICTURE = "picture"
        const val FADE_MILLIS = 150L
        const val HISTORY_FILES = 2
        val NO_HOLE = Rect()
        val REFUSALS = setOf(Problem.CAMERA_DENIED, Problem.CAMERA_DENIED_FOR_GOOD)
    }
}
