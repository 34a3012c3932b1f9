package org.ferlarq.demo.photo

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

    fun render(state: PhotoState, seen: Boolean) {
        root.visibility = if (seen) View.VISIBLE else View.GONE
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
        for (face in state.faces) {
            val view = BarsView(root.context)
            view.show(state.labels, face.shares)
            val whole = LinearLayout.LayoutParams.MATCH_PARENT
            val place = LinearLayout.LayoutParams(whole, LinearLayout.LayoutParams.WRAP_CONTENT)
            place.bottomMargin = root.resources.getDimensionPixelSize(R.dimen.space)
            bars.addView(view, place)
        }
        share.setOnClickListener { onShare(state) }
    }
}
