package org.ferlarq.demo.ui

import org.ferlarq.demo.R

/**
 * What can go wrong: a sentence, and the word and deed of the button below it. There is none where
 * the buttons of the screen are the way on.
 */
enum class Problem(val sentence: Int, val action: Int? = null, val wayOn: WayOn? = null) {
    CAMERA_DENIED(R.string.camera_denied, R.string.allow_camera, WayOn.ASK_FOR_CAMERA),
    CAMERA_DENIED_FOR_GOOD(R.string.camera_denied_for_good, R.string.open_settings, WayOn.SETTINGS),
    NO_CAMERA(R.string.no_camera, R.string.open_a_photo, WayOn.PHOTO_TAB),
    CAMERA_IN_USE(R.string.camera_in_use, R.string.try_again, WayOn.RESTART_CAMERA),
    CAMERA_IN_OTHER_WINDOW(R.string.camera_in_other_window, R.string.use_it_here, WayOn.RESTART_CAMERA),
    CAMERA_DISABLED(R.string.camera_disabled, R.string.open_a_photo, WayOn.PHOTO_TAB),
    CAMERA_BROKEN(R.string.camera_broken, R.string.try_again, WayOn.RESTART_CAMERA),
    MODEL_UNUSABLE(R.string.model_unusable, R.string.about_the_model, WayOn.MODEL_TAB),
    TAKING_DENIED(R.string.taking_denied, R.string.allow_camera, WayOn.TAKE_PICTURE),
    TAKING_DENIED_FOR_GOOD(R.string.taking_denied_for_good, R.string.open_settings, WayOn.SETTINGS),
    PICTURE_UNREADABLE(R.string.picture_unreadable),
    OUT_OF_MEMORY(R.string.out_of_memory),
    NO_FACE(R.string.no_face),
    NO_APP_FOR_IT(R.string.no_app_for_it),
    NOT_SHARED(R.string.not_shared, R.string.back_to_picture, WayOn.SHOW_PICTURE),
}

enum class WayOn {
    ASK_FOR_CAMERA,
    SETTINGS,
    PHOTO_TAB,
    MODEL_TAB,
    RESTART_CAMERA,
    TAKE_PICTURE,
    SHOW_PICTURE,
}
