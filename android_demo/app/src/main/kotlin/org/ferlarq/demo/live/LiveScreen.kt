package org.ferlarq.demo.live

import android.view.TextureView
import android.view.View
import android.widget.Button
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
    private val switch: Button = root.findViewById(R.id.switch_camera)
    private val problem = ProblemPanel(root.findViewById(R.id.live_problem), onProblem)

    init {
        switch.setOnClickListener { onSwitch() }
        preview.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> setPreviewUpright() }
        arrange()
    }

    fun render(state: LiveState, seen: Boolean) {
        root.visibility = if (seen) View.VISIBLE else View.GONE
        problem.show((state as? LiveState.Stopped)?.problem)
        content.visibility = if (state is LiveState.Stopped) View.GONE else View.VISIBLE
        switch.visibility =
            if (state is LiveState.Running && state.canSwitch) View.VISIBLE else View.GONE
        when (state) {
            is LiveState.Running -> show(state)
            else -> {
                faces.showFaces(3, 4, emptyList(), emptyList(), mirrored = false)
                bars.show(emptyList(), FloatArray(0))
                hint.setText(R.string.starting_camera)
                figures.text = null
            }
        }
    }

    private fun show(state: LiveState.Running) {
        val reading = state.reading
        if (reading == null) {
            hint.setText(R.string.starting_camera)
            bars.show(state.labels, FloatArray(0))
            return
        }
        frame.setShape(reading.width, reading.height)
        faces.showFaces(reading.width, reading.height, reading.faces, state.labels, state.mirrored)
        bars.show(state.labels, reading.faces.firstOrNull()?.shares ?: FloatArray(0))
        hint.setText(if (reading.faces.isEmpty()) R.string.no_face_seen else R.string.bars_are)
        val context = root.context
        figures.text = listOfNotNull(
            context.getString(R.string.frame_rate, reading.framesPerSecond),
            context.getString(R.string.detection_time, reading.detectionMillis),
            context.getString(R.string.reading_time, reading.readingMillis)
                .takeIf { reading.readingMillis > 0 },
            root.resources.getQuantityString(R.plurals.threads, state.threads, state.threads),
        ).joinToString(" · ")
    }

    /** Follows the screen, which was turned. */
    fun arrange() {
        content.arrange(share = 0f)
        setPreviewUpright()
    }

    private fun setPreviewUpright() = preview.setTransform(
        previewMatrix(preview.width.toFloat(), preview.height.toFloat(), preview.displayDegrees()),
    )
}
