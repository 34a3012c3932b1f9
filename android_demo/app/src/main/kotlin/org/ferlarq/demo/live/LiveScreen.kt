package org.ferlarq.demo.live

import android.view.TextureView
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import org.ferlarq.demo.BarsView
import org.ferlarq.demo.FacesView
import org.ferlarq.demo.LiveState
import org.ferlarq.demo.Problem
import org.ferlarq.demo.ProblemPanel
import org.ferlarq.demo.R
import org.ferlarq.demo.ShapedFrame
import org.ferlarq.demo.arrange

/** The camera's picture, faces framed, bars for the largest one, and a strip of figures. */
class LiveScreen(private val root: View, onProblem: (Problem) -> Unit, onSwitch: () -> Unit) {
    val preview: TextureView = root.findViewById(R.id.preview)

    private val content: LinearLayout = root.findViewById(R.id.live_content)
    private val frame: ShapedFrame = root.findViewById(R.id.preview_frame)
    private val faces: FacesView = root.findViewById(R.id.live_faces)
    private val bars: BarsView = root.findViewById(R.id.live_bars)
    private val hint: TextView = root.findViewById(R.id.live_hint)
    private val figures: TextView = root.findViewById(R.id.live_figures)
    private val switch: View = root.findViewById(R.id.switch_camera)
    private val problem = ProblemPanel(root.findViewById(R.id.live_problem), onProblem)

    init {
        switch.setOnClickListener { onSwitch() }
        preview.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> setPreviewUpright() }
        arrange()
    }

    fun render(state: LiveState) {
        problem.show((state as? LiveState.Stopped)?.problem)
        content.visibility = if (state is LiveState.Stopped) View.GONE else View.VISIBLE
        switch.visibility =
            if (state is LiveState.Running && state.canSwitch) View.VISIBLE else View.GONE
        val running = state as? LiveState.Running
        val reading = running?.reading
        val labels = running?.labels.orEmpty()
        bars.show(labels, reading?.faces?.firstOrNull()?.shares ?: NO_SHARES)
        if (running == null || reading == null) {
            faces.clear()
            hint.setText(R.string.starting_camera)
            figures.text = null
        } else {
            frame.setShape(reading.width, reading.height)
            faces.showFaces(reading.width, reading.height, reading.faces, labels, running.mirrored)
            hint.setText(if (reading.faces.isEmpty()) R.string.no_face_seen else R.string.bars_are)
            figures.text = describe(reading, running.threads)
        }
    }

    private fun describe(reading: LiveReading, threads: Int): String {
        val context = root.context
        return listOfNotNull(
            context.getString(R.string.frame_rate, reading.framesPerSecond),
            context.getString(R.string.detection_time, reading.detectionMillis),
            context.getString(R.string.reading_time, reading.readingMillis)
                .takeIf { reading.readingMillis > 0 },
            root.resources.getQuantityString(R.plurals.threads, threads, threads),
        ).joinToString(" · ")
    }

    /** Follows the screen, which was turned from portrait to landscape or back. */
    fun arrange() {
        content.arrange(share = 0.7f)
        setPreviewUpright()
    }

    /** Follows the display, which may also be turned without that: upside down. */
    fun setPreviewUpright() = preview.setTransform(
        previewMatrix(preview.width.toFloat(), preview.height.toFloat(), degreesOf(preview.display)),
    )

    private companion object {
        val NO_SHARES = FloatArray(0)
    }
}
