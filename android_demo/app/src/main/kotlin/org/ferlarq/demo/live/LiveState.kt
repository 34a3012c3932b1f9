package org.ferlarq.demo.live

import org.ferlarq.demo.inference.Face
import org.ferlarq.demo.ui.Problem

sealed interface LiveState {
    data object Starting : LiveState

    /**
     * @property mirrored whether the preview is, as that of a front camera.
     * @property reading null until the first frame was analyzed.
     */
    data class Running(
        val mirrored: Boolean,
        val canSwitch: Boolean,
        val labels: List<String>,
        val reading: LiveReading? = null,
    ) : LiveState

    data class Stopped(val problem: Problem) : LiveState
}

/** What was seen in an upright frame of [width] x [height] pixels; faces by falling size. */
class LiveReading(
    val width: Int,
    val height: Int,
    val faces: List<Face>,
    val framesPerSecond: Float,
    val detectionMillis: Float,
    val classificationMillis: Float,
)
