package org.ferlarq.demo.live

import android.view.TextureView
import android.view.View
import android.widget.TextView
import org.ferlarq.demo.R
import org.ferlarq.demo.camera.Preview
import org.ferlarq.demo.camera.degreesOf
import org.ferlarq.demo.camera.previewMatrix
import org.ferlarq.demo.ui.BarsView
import org.ferlarq.demo.ui.FacesView
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.ProblemPanel
import org.ferlarq.demo.ui.RoundedFrame

/** The camera's picture, faces framed, bars for the largest one, and what they were lately. */
class LiveScreen(
    private val root: View,
    onProblem: (Problem) -> Unit,
    onSwitch: () -> Unit,
    onShare: () -> Unit,
) {
    private val texture: TextureView = root.findViewById(R.id.preview)
    val preview = Preview(texture)

    private val content: View = root.findViewById(R.id.live_content)
    private val frame: RoundedFrame = root.findViewById(R.id.preview_frame)
    private val faces: FacesView = root.findViewById(R.id.live_faces)
    private val bars: BarsView = root.findViewById(R.id.live_bars)
    private val hint: TextView = root.findViewById(R.id.live_hint)
    private val recent: View = root.findViewById(R.id.live_recent)
    private val historyView: HistoryView = root.findViewById(R.id.history)
    private val figures: TextView = root.findViewById(R.id.live_figures)
    private val switch: View = root.findViewById(R.id.switch_camera)
    private val problem = ProblemPanel(root.findViewById(R.id.live_problem), onProblem)

    init {
        switch.setOnClickListener { onSwitch() }
        root.findViewById<View>(R.id.share_history).setOnClickListener { onShare() }
        texture.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> setPreviewUpright() }
    }

    fun render(state: LiveState, history: History?) {
        problem.show((state as? LiveState.Stopped)?.problem)
        content.visibility = if (state is LiveState.Stopped) View.GONE else View.VISIBLE
        val running = state as? LiveState.Running
        val reading = running?.reading
        val labels = running?.labels.orEmpty()
        switch.visibility = if (running?.canSwitch == true) View.VISIBLE else View.GONE
        bars.show(labels, reading?.faces?.firstOrNull()?.probabilities ?: NONE)
        historyView.history = history
        recent.visibility = if (reading == null) View.GONE else View.VISIBLE
        if (running == null || reading == null) {
            faces.clear()
            showHint(R.string.starting_camera)
        } else {
            frame.setShape(reading.width, reading.height)
            faces.showFaces(reading.width, reading.height, reading.faces, labels, running.mirrored)
            showHint(if (reading.faces.isEmpty()) R.string.no_face_seen else null)
            figures.text = describe(reading)
        }
    }

    private fun showHint(text: Int?) {
        hint.visibility = if (text == null) View.GONE else View.VISIBLE
        if (text != null) hint.setText(text)
    }

    private fun describe(reading: LiveReading): String {
        val context = root.context
        return listOfNotNull(
            context.getString(R.string.frame_rate, reading.framesPerSecond),
            context.getString(R.string.detection_time, reading.detectionMillis),
            context.getString(R.string.classification_time, reading.classificationMillis)
                .takeIf { reading.classificationMillis > 0 },
        ).joinToString(" · ")
    }

    /** Follows the display, which may also be turned without a change of the window: upside down. */
    fun setPreviewUpright() = texture.setTransform(
        previewMatrix(texture.width.toFloat(), texture.height.toFloat(), degreesOf(texture.display)),
    )

    private companion object {
        val NONE = FloatArray(0)
    }
}
