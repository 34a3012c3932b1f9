package org.ferlarq.demo

import android.graphics.Bitmap
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.live.FaceReading
import org.ferlarq.demo.live.LiveReading
import org.ferlarq.demo.model.Timing

/** All that the screen shows. It never changes; a new one takes its place. */
data class ScreenState(
    val tab: Tab = Tab.LIVE,
    val live: LiveState = LiveState.Starting,
    val photo: PhotoState = PhotoState.Empty,
    val model: ModelState = ModelState(),
)

enum class Tab { LIVE, PHOTO, MODEL }

sealed interface LiveState {
    data object Starting : LiveState

    /** @property mirrored whether the preview is, as that of a front camera. */
    data class Running(
        val mirrored: Boolean,
        val canSwitch: Boolean,
        val labels: List<String>,
        val threads: Int,
        val reading: LiveReading? = null,
    ) : LiveState

    data class Stopped(val problem: Problem) : LiveState
}

sealed interface PhotoState {
    data object Empty : PhotoState

    data object Working : PhotoState

    data class Read(val picture: Bitmap, val faces: List<FaceReading>, val labels: List<String>) :
        PhotoState

    data class Failed(val problem: Problem) : PhotoState
}

/**
 * @property card null until the model is read.
 * @property timings of the benchmark, empty before it has run.
 */
data class ModelState(
    val card: ModelCard? = null,
    val problem: Problem? = null,
    val measuring: Boolean = false,
    val timings: List<Timing> = emptyList(),
)

/** What can go wrong: a sentence, and what the button below it does. */
enum class Problem(val sentence: Int, val action: Int, val wayOn: WayOn) {
    CAMERA_DENIED(R.string.camera_denied, R.string.allow_camera, WayOn.ASK_FOR_CAMERA),
    CAMERA_DENIED_FOR_GOOD(R.string.camera_denied_for_good, R.string.open_settings, WayOn.SETTINGS),
    NO_CAMERA(R.string.no_camera, R.string.read_a_picture, WayOn.PHOTO_TAB),
    CAMERA_IN_USE(R.string.camera_in_use, R.string.try_again, WayOn.RESTART_CAMERA),
    CAMERA_BROKEN(R.string.camera_broken, R.string.try_again, WayOn.RESTART_CAMERA),
    MODEL_UNUSABLE(R.string.model_unusable, R.string.about_the_model, WayOn.MODEL_TAB),
    PICTURE_UNREADABLE(R.string.picture_unreadable, R.string.choose_another, WayOn.CHOOSE_PICTURE),
    OUT_OF_MEMORY(R.string.out_of_memory, R.string.choose_another, WayOn.CHOOSE_PICTURE),
    NO_FACE(R.string.no_face, R.string.choose_another, WayOn.CHOOSE_PICTURE),
    NO_APP_FOR_IT(R.string.no_app_for_it, R.string.choose_another, WayOn.CHOOSE_PICTURE),
    NOT_SHARED(R.string.not_shared, R.string.back_to_picture, WayOn.SHOW_PICTURE),
}

enum class WayOn {
    ASK_FOR_CAMERA,
    SETTINGS,
    PHOTO_TAB,
    MODEL_TAB,
    RESTART_CAMERA,
    CHOOSE_PICTURE,
    SHOW_PICTURE,
}
