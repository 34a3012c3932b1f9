package org.ferlarq.demo.photo

import android.view.LayoutInflater
import android.view.View
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import org.ferlarq.demo.BarsView
import org.ferlarq.demo.FacesView
import org.ferlarq.demo.PhotoState
import org.ferlarq.demo.Problem
import org.ferlarq.demo.ProblemPanel
import org.ferlarq.demo.R
import org.ferlarq.demo.arrange
import org.ferlarq.demo.expressionName

/** A picture that the user chose or took, its faces framed, and bars for each. */
class PhotoScreen(
    private val root: View,
    onProblem: (Problem) -> Unit,
    onChoose: () -> Unit,
    onTake: () -> Unit,
    private val onShare: (PhotoState.Read) -> Unit,
) {
    private val hint: TextView = root.findViewById(R.id.photo_hint)
    private val content: LinearLayout = root.findViewById(R.id.photo_content)
    private val picture: FacesView = root.findViewById(R.id.picture)
    private val bars: LinearLayout = root.findViewById(R.id.photo_bars)
    private val share: Button = root.findViewById(R.id.share)
    private val problem = ProblemPanel(root.findViewById(R.id.photo_problem), onProblem)

    init {
        root.findViewById<Button>(R.id.choose).setOnClickListener { onChoose() }
        root.findViewById<Button>(R.id.take).setOnClickListener { onTake() }
        arrange()
    }

    /** Follows the screen, which was turned. */
    fun arrange() = content.arrange(share = 0.7f)

    fun render(state: PhotoState) {
        problem.show((state as? PhotoState.Failed)?.problem)
        content.visibility = if (state is PhotoState.Read) View.VISIBLE else View.GONE
        share.visibility = content.visibility
        when (state) {
            PhotoState.Empty -> showHint(R.string.photo_hint)
            PhotoState.Working -> showHint(R.string.reading_picture)
            is PhotoState.Read -> show(state)
            is PhotoState.Failed -> hint.visibility = View.GONE
        }
    }

    private fun showHint(text: Int) {
        hint.visibility = View.VISIBLE
        hint.setText(text)
    }

    private fun show(state: PhotoState.Read) {
        hint.visibility = View.GONE
        picture.showPicture(state.picture, state.faces, state.labels)
        bars.removeAllViews()
        for ((i, face) in state.faces.withIndex()) {
            val view = LayoutInflater.from(root.context).inflate(R.layout.face, bars, false)
            val heading = view.findViewById<TextView>(R.id.face_heading)
            val name = expressionName(root.context, state.labels[face.best])
            heading.text = root.context.getString(R.string.numbered_face, i + 1, name)
            heading.visibility = if (state.faces.size > 1) View.VISIBLE else View.GONE
            view.findViewById<BarsView>(R.id.face_bars).show(state.labels, face.shares)
            bars.addView(view)
        }
        share.setOnClickListener { onShare(state) }
    }
}
