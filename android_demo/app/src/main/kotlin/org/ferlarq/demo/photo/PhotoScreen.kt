package org.ferlarq.demo.photo

import android.view.HapticFeedbackConstants
import android.view.LayoutInflater
import android.view.View
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import org.ferlarq.demo.R
import org.ferlarq.demo.ui.BarsView
import org.ferlarq.demo.ui.FacesView
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.ProblemPanel
import org.ferlarq.demo.ui.expressionName

/** A picture that the user chose or took, its faces framed, and bars for each. */
class PhotoScreen(
    private val root: View,
    onProblem: (Problem) -> Unit,
    onChoose: () -> Unit,
    onTake: () -> Unit,
    private val onShare: (PhotoState.Analyzed) -> Unit,
) {
    private val empty: View = root.findViewById(R.id.photo_empty)
    private val working: View = root.findViewById(R.id.photo_working)
    private val content: View = root.findViewById(R.id.photo_content)
    private val picture: FacesView = root.findViewById(R.id.picture)
    private val bars: LinearLayout = root.findViewById(R.id.photo_bars)
    private val share: View = root.findViewById(R.id.share)
    private val problem = ProblemPanel(root.findViewById(R.id.photo_problem), onProblem)
    private var before: PhotoState? = null

    init {
        root.findViewById<Button>(R.id.choose).setOnClickListener { onChoose() }
        root.findViewById<Button>(R.id.take).setOnClickListener { onTake() }
    }

    fun render(state: PhotoState) {
        problem.show((state as? PhotoState.Failed)?.problem)
        show(empty, state is PhotoState.Empty)
        show(working, state is PhotoState.Working)
        show(content, state is PhotoState.Analyzed)
        show(share, state is PhotoState.Analyzed)
        if (state is PhotoState.Analyzed) showFaces(state)
        before = state
    }

    private fun show(view: View, shown: Boolean) {
        view.visibility = if (shown) View.VISIBLE else View.GONE
    }

    private fun showFaces(state: PhotoState.Analyzed) {
        picture.showPicture(state.picture, state.faces, state.labels)
        val isNew = before is PhotoState.Working
        if (isNew) root.performHapticFeedback(HapticFeedbackConstants.VIRTUAL_KEY)
        bars.removeAllViews()
        for ((i, face) in state.faces.withIndex()) {
            val view = LayoutInflater.from(root.context).inflate(R.layout.face, bars, false)
            val heading = view.findViewById<TextView>(R.id.face_heading)
            val name = expressionName(root.context, state.labels[face.best])
            heading.text = if (state.faces.size == 1) {
                name
            } else {
                root.context.getString(R.string.numbered_face, i + 1, name)
            }
            val row = view.findViewById<BarsView>(R.id.face_bars)
            if (isNew) row.grow(state.labels, face.probabilities) else row.show(state.labels, face.probabilities)
            bars.addView(view)
        }
        share.setOnClickListener { onShare(state) }
    }
}
